//! `POST /webhook/receiver`: stores PayPal's webhooks, returns 200 once SNS has them.

use contract::{event::attribute, functions::WebhookReceiver};
use handlers::{
    clients::{self, Message, Topic},
    log,
    problem::Problem,
    receive,
    request::{Answer, Request},
};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = WebhookReceiver::read(|name| std::env::var(name).ok())?;
    let message_bytes = settings.message_bytes;
    let received = &Topic::new(&clients::aws(), settings.received);
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        Ok::<_, Error>(take(&event.payload, message_bytes, received).await.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}

async fn take(request: &Request, message_bytes: usize, received: &Topic) -> Result<Answer, Problem> {
    let envelope = receive::delivery(request, message_bytes, Timestamp::now()).inspect_err(|problem| {
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
