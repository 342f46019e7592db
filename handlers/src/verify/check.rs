//! What becomes of a delivery: on to `verified.fifo`, into `errors`, or again later.

use contract::{
    config::Retry,
    event::{Envelope, Rejected, attribute},
    signal::Signal,
};
use jiff::Timestamp;
use paypal::{Deadline, events::Event};

use super::{Verdict, Verifier};
use crate::{
    batch::{Again, Record},
    clients::{AwsError, Message, Queue},
    process,
};

/// Checks deliveries, and sends each where it belongs.
pub struct Checker {
    /// Who tells genuine from forged.
    pub verifier: Verifier,
    /// When a delivery that cannot be judged is tried again.
    pub retry: Retry,
    /// Where genuine events go.
    pub verified: Queue,
    /// Where the others go.
    pub errors: Queue,
}

impl Checker {
    /// Checks one message of the queue.
    ///
    /// # Errors
    /// When it must come again: it cannot be judged now, or SQS did not take it.
    pub async fn check(&self, record: Record, deadline: Deadline) -> Result<(), Again> {
        let again = |error: &AwsError| {
            tracing::warn!(message_id = record.message_id, %error, "message comes again");
            Again { after_seconds: Some(self.retry.wait_seconds(record.tries())) }
        };
        let Ok(envelope) = serde_json::from_str::<Envelope>(&record.body) else {
            let unreadable = Some(record.body.clone());
            let rejected = rejected("unreadable", "the message is not a delivery", None, unreadable);
            return self.reject(&rejected).await.map_err(|error| again(&error));
        };
        let transmission_id = crate::log::id(&envelope.headers.transmission_id).to_owned();
        let ended = match self.verifier.judge(&envelope, deadline).await {
            Verdict::Genuine => self.pass_on(envelope).await,
            Verdict::Forged(reason, detail) => {
                tracing::warn!(transmission_id, reason, detail, signal = Signal::Forged.as_str(), "webhook forged");
                self.reject(&rejected(reason, &detail, Some(envelope), None)).await
            }
            Verdict::Undecided(reason, detail) => {
                let tries = record.tries();
                tracing::error!(
                    transmission_id,
                    reason,
                    detail,
                    tries,
                    signal = Signal::Undecided.as_str(),
                    "webhook undecided"
                );
                if !self.too_old(&record, &envelope) {
                    return Err(Again { after_seconds: Some(self.retry.wait_seconds(tries)) });
                }
                self.reject(&rejected(reason, &detail, Some(envelope), None)).await
            }
        };
        ended.map_err(|error| again(&error))
    }

    async fn pass_on(&self, envelope: Envelope) -> Result<(), AwsError> {
        let Ok(event) = Event::parse(&envelope.body) else {
            return self
                .reject(&rejected("not_an_event", "the body has no id or no event_type", Some(envelope), None))
                .await;
        };
        // PayPal's simulator gives every delivery of a type the same id; the transmission tells them apart.
        let simulated = envelope.headers.transmission_id.as_str();
        let simulated = if self.verifier.webhook_id() == "WEBHOOK_ID" { simulated } else { "" };
        let deduplication = process::deduplication(&event, &envelope.body, simulated);
        let attributes = vec![
            (attribute::EVENT_ID, event.id.clone()),
            (attribute::EVENT_TYPE, event.event_type.clone()),
            (attribute::RECEIVED_AT, envelope.received_at.clone()),
        ];
        let message = Message::json(&envelope, attributes)?;
        self.verified.send(message.fifo(&process::group(&event), &deduplication)).await?;
        let transmission_id = crate::log::id(&envelope.headers.transmission_id);
        tracing::info!(event_id = event.id, event_type = event.event_type, transmission_id, "webhook verified");
        Ok(())
    }

    async fn reject(&self, rejected: &Rejected) -> Result<(), AwsError> {
        let received_at = rejected.envelope.as_ref().map(|envelope| envelope.received_at.clone());
        let attributes = vec![
            (attribute::REASON, rejected.reason.clone()),
            (attribute::RECEIVED_AT, received_at.unwrap_or_default()),
        ];
        self.errors.send(Message::json(rejected, attributes)?).await
    }

    /// Whether it has waited too long. One that was sent back from an error queue begins anew.
    fn too_old(&self, record: &Record, envelope: &Envelope) -> bool {
        let arrived = envelope.received_at.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
        let since_arrival = Timestamp::now().as_second() - arrived.as_second();
        record.waited_seconds().unwrap_or(since_arrival) > i64::from(self.retry.give_up_after_seconds)
    }
}

fn rejected(reason: &str, detail: &str, envelope: Option<Envelope>, unreadable: Option<String>) -> Rejected {
    Rejected { reason: reason.to_owned(), detail: detail.to_owned(), envelope, unreadable }
}
