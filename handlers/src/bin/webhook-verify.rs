//! Polls `unverified`: valid events go to `verified.fifo`, invalid ones to `forged`, the others are tried again later.

use contract::functions::WebhookVerify;
use handlers::{
    batch::{self, Batch},
    clients::{self, Queue},
    log,
    verify::{Checker, Verifier},
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = WebhookVerify::read(|name| std::env::var(name).ok())?;
    let aws = clients::aws();
    let paypal = clients::paypal(&aws, &settings.paypal_secret, &settings.paypal_url).await?;
    let checker = &Checker {
        verifier: Verifier::new(&settings.trust, paypal)?,
        retry: settings.retry,
        unverified: Queue::new(&aws, settings.unverified),
        verified: Queue::new(&aws, settings.verified),
        forged: Queue::new(&aws, settings.forged),
        errors: Queue::new(&aws, settings.errors),
    };
    run(service_fn(move |event: LambdaEvent<Batch>| async move {
        let deadline = clients::deadline(&event.context);
        Ok::<_, Error>(batch::standard(event.payload, |record| checker.check(record, deadline)).await)
    }))
    .await
}
