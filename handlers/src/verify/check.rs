//! Sends each delivery where it belongs: valid ones to `verified.fifo`, invalid ones to `forged`, the others to `unverified`
//! again, with a delay.
//!
//! A delivery that cannot be verified yet is delayed as a new message, not by hiding the old one: hidden messages count as in
//! flight, and at 120,000 of those SQS delivers no others.

use contract::{
    config::Retry,
    event::{Attempts, Envelope, Queued, Rejected, attribute},
    signal::Signal,
};
use jiff::Timestamp;
use paypal::{Deadline, events::Event};

use super::{Indeterminate, Verdict, Verifier};
use crate::{
    batch::{Again, Record},
    clients::{AwsError, Message, Queue},
    process,
};

/// The longest that SQS delays a message, in seconds. A longer wait takes several messages.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const LONGEST_DELAY: u32 = 900;

/// Verifies deliveries, and sends each where it belongs.
pub struct Checker {
    /// Tells valid from invalid.
    pub verifier: Verifier,
    /// When a delivery that cannot be verified is tried again.
    pub retry: Retry,
    /// Where deliveries wait for another try.
    pub unverified: Queue,
    /// Where valid events go.
    pub verified: Queue,
    /// Where deliveries go that are not PayPal's.
    pub forged: Queue,
    /// Where deliveries go that failed.
    pub errors: Queue,
}

impl Checker {
    /// Checks one message of the queue.
    ///
    /// # Errors
    /// When SQS did not take what became of it: it is received again.
    pub async fn check(&self, record: Record, deadline: Deadline) -> Result<(), Again> {
        self.route(&record, deadline).await.map_err(|error| {
            tracing::warn!(message_id = record.message_id, %error, "message comes again");
            Again { after_seconds: None }
        })
    }

    async fn route(&self, record: &Record, deadline: Deadline) -> Result<(), AwsError> {
        let Ok(queued) = serde_json::from_str::<Queued>(&record.body) else {
            let unreadable = Some(record.body.clone());
            let rejected = rejected("unreadable", "the message is not a delivery", None, unreadable);
            return reject(&self.errors, &rejected).await;
        };
        if queued.wait_seconds > 0 {
            return self.delay(queued).await;
        }
        let transmission_id = crate::log::id(&queued.envelope.headers.transmission_id).to_owned();
        match self.verifier.verify(&queued.envelope, deadline).await {
            Verdict::Valid => self.pass_on(queued.envelope).await,
            Verdict::Invalid(reason, detail) => {
                tracing::warn!(transmission_id, reason, detail, signal = Signal::Forged.as_str(), "webhook forged");
                reject(&self.forged, &rejected(reason, &detail, Some(queued.envelope), None)).await
            }
            Verdict::Indeterminate(indeterminate) => self.try_again(queued, indeterminate).await,
        }
    }

    /// Delays a delivery that cannot be verified yet, or gives it up.
    async fn try_again(&self, mut queued: Queued, indeterminate: Indeterminate) -> Result<(), AwsError> {
        let Indeterminate { reason, detail, least_wait, signal } = indeterminate;
        let transmission_id = crate::log::id(&queued.envelope.headers.transmission_id).to_owned();
        let now = Timestamp::now();
        let Some(signal) = signal else {
            // It was not tried, so it does not count.
            queued.wait_seconds = self.retry.wait_seconds(1);
            tracing::warn!(transmission_id, reason, detail, "webhook waits to be verified");
            return self.delay(queued).await;
        };
        let attempts = Attempts {
            count: queued.attempts.as_ref().map_or(0, |attempts| attempts.count).saturating_add(1),
            first_at: queued.attempts.map_or_else(|| now.to_string(), |attempts| attempts.first_at),
        };
        // A time that cannot be read was not written by this service; the tries begin anew.
        let first_at = attempts.first_at.parse::<Timestamp>().unwrap_or(now);
        let (tries, delayed_seconds) = (attempts.count, now.as_second().saturating_sub(first_at.as_second()));
        let signal = signal.as_str();
        tracing::error!(transmission_id, reason, detail, tries, delayed_seconds, signal, "webhook undecided");
        if self.retry.gives_up(tries, delayed_seconds) {
            return reject(&self.errors, &rejected(reason, &detail, Some(queued.envelope), None)).await;
        }
        queued.attempts = Some(attempts);
        queued.wait_seconds = self.retry.wait_at_least(tries, least_wait);
        self.delay(queued).await
    }

    /// Sends a delivery to `unverified` again, where it is not received before its wait is over.
    async fn delay(&self, mut queued: Queued) -> Result<(), AwsError> {
        let delay = queued.wait_seconds.min(LONGEST_DELAY);
        queued.wait_seconds -= delay;
        let attributes = vec![(attribute::RECEIVED_AT, queued.envelope.received_at.clone())];
        self.unverified.send(Message::json(&queued, attributes)?.delayed(delay)).await
    }

    async fn pass_on(&self, envelope: Envelope) -> Result<(), AwsError> {
        let Ok(event) = Event::parse(&envelope.body) else {
            let rejected = rejected("not_an_event", "the body has no id or no event_type", Some(envelope), None);
            return reject(&self.errors, &rejected).await;
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
}

async fn reject(queue: &Queue, rejected: &Rejected) -> Result<(), AwsError> {
    let mut attributes = vec![(attribute::REASON, rejected.reason.clone())];
    if let Some(envelope) = &rejected.envelope {
        attributes.push((attribute::RECEIVED_AT, envelope.received_at.clone()));
    }
    queue.send(Message::json(rejected, attributes)?).await
}

fn rejected(reason: &str, detail: &str, envelope: Option<Envelope>, unreadable: Option<String>) -> Rejected {
    Rejected { reason: reason.to_owned(), detail: detail.to_owned(), envelope, unreadable }
}
