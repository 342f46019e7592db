//! Feeds on `verified.fifo`: completed payments become invoices, every event is published with its outcome.

use contract::functions::WebhookProcess;
use handlers::{
    batch::{self, Batch},
    clients::{self, Queue, Topic},
    log,
    process::Processor,
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = WebhookProcess::read(|name| std::env::var(name).ok())?;
    let aws = clients::aws();
    let verified = &Queue::new(&aws, settings.verified);
    let processor = &Processor {
        paypal: clients::paypal(&aws, &settings.paypal_secret, &settings.paypal_url).await?,
        invoicer: settings.invoicer,
        personal_data: settings.personal_data,
        retry: settings.retry,
        finished: Topic::new(&aws, settings.finished),
        errors: Queue::new(&aws, settings.errors),
    };
    run(service_fn(move |event: LambdaEvent<Batch>| async move {
        let deadline = clients::deadline(&event.context);
        Ok::<_, Error>(batch::fifo(event.payload, verified, |record| processor.process(record, deadline)).await)
    }))
    .await
}
