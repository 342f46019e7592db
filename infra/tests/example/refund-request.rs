//! `POST /refund/request`: takes what a buyer wants back, for people to look into.

use contract::functions::RefundRequest;
use handlers::{
    clients::{self, AwsError, Message, Queue},
    log,
    problem::Problem,
    request::{Answer, Request},
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = RefundRequest::read(|name| std::env::var(name).ok())?;
    let aws = clients::aws();
    // A wrong secret shows at start, and not with the first refund.
    clients::paypal(&aws, &settings.refunds_secret, &settings.paypal_url).await?;
    let refunds = Queue::new(&aws, settings.refunds);
    let refunds = &refunds;
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        let body = event.payload.bytes().unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let sent = async { Ok::<(), AwsError>(refunds.send(Message::json(&body, Vec::new())?).await?) };
        Ok::<_, Error>(match sent.await {
            Ok(()) => Answer::ok(&"taken"),
            Err(_) => Problem::new(503, "try again later").answer(),
        })
    }))
    .await
}
