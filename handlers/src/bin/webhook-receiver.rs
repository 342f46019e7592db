//! `POST /webhook/receiver`: takes PayPal's webhooks, answers 200 once SNS has them.

use contract::{event::attribute, functions::WebhookReceiver};
use handlers::{
    clients::{self, Message, Topic},
    log,
    problem::Problem,
    receive::{self, Limits},
    request::{Answer, Request},
};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use paypal::signature::Origin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = WebhookReceiver::read(|name| std::env::var(name).ok())?;
    let origins = settings.certificate_origins.iter().map(|origin| Origin::parse(origin));
    let limits =
        &Limits { message_bytes: settings.message_bytes, certificate_origins: origins.collect::<Result<_, _>>()? };
    let received = &Topic::new(&clients::aws(), settings.received);
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        Ok::<_, Error>(take(&event.payload, limits, received).await.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}

async fn take(request: &Request, limits: &Limits, received: &Topic) -> Result<Answer, Problem> {
    let envelope = receive::delivery(request, limits, Timestamp::now()).inspect_err(|problem| {
        tracing::warn!(status = problem.status, detail = problem.detail, "webhook refused");
    })?;
    let attributes = vec![(attribute::RECEIVED_AT, envelope.received_at.clone())];
    let message = Message::json(&envelope, attributes).map_err(|_| Problem::new(500, "the webhook cannot be kept"))?;
    received.publish(message).await.map_err(|error| {
        tracing::error!(%error, "webhook not kept");
        Problem { retry_after: Some(30), ..Problem::new(503, "the webhook cannot be kept now") }
    })?;
    let (transmission_id, bytes) = (log::id(&envelope.headers.transmission_id), envelope.body.len());
    tracing::info!(transmission_id, bytes, "webhook kept");
    Ok(Answer::ok(&serde_json::json!({})))
}
