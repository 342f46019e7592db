//! Works on genuine events: completed sales get their invoice, every event is published with its outcome.
//!
//! The signature covers only a checksum of the body, so an event is a hint: what moves documents is read back from PayPal.

use contract::{
    config::{Invoicer, Retry},
    event::{Envelope, Finished, Outcome, Rejected, attribute},
    signal::Signal,
};
use jiff::Timestamp;
use paypal::{
    Client, Deadline, Sale, Subscription,
    events::{Event, EventKind},
};
use serde_json::value::RawValue;

use crate::{
    batch::{Again, Record},
    clients::{AwsError, Message, Queue, Topic},
    invoice::{self, Settled},
    log,
};

/// How long something that PayPal does not know is asked for again, in seconds: what was just made may not be everywhere yet.
const UNKNOWN_SECONDS: i64 = 600;

/// Works on events.
pub struct Processor {
    /// PayPal.
    pub paypal: Client,
    /// Who sends the invoices.
    pub invoicer: Invoicer,
    /// When a failed event is tried again.
    pub retry: Retry,
    /// Where events are published.
    pub finished: Topic,
    /// Where events go that could not be worked on.
    pub errors: Queue,
}

/// What the work on an event came to.
struct Done {
    outcome: Outcome,
    subscription: Option<Subscription>,
    invoice_id: Option<String>,
}

/// Why the work on an event is not done.
enum Undone {
    /// Another try can help.
    Later { reason: &'static str, detail: String },
    /// PayPal does not know what the event says, and may know it soon. If it never does, the event is not true.
    Unknown { reason: &'static str, detail: String },
    /// No further try can help, and the event is true: it is published as `invoice_failed`.
    Never { reason: &'static str, detail: String },
    /// PayPal does not know what the event says: it is not published.
    Untrue { reason: &'static str, detail: String },
}

/// A genuine event, as it came.
struct Delivery<'a> {
    record: &'a Record,
    envelope: Envelope,
    event: Event,
}

impl Processor {
    /// Works on one message of the queue.
    ///
    /// # Errors
    /// When it must come again: PayPal or AWS failed, or an outcome is unknown.
    pub async fn process(&self, record: Record, deadline: Deadline) -> Result<(), Again> {
        let parsed = serde_json::from_str::<Envelope>(&record.body).ok();
        let parsed = parsed.and_then(|envelope| Event::parse(&envelope.body).ok().map(|event| (envelope, event)));
        let Some((envelope, event)) = parsed else {
            return self.unreadable(&record).await.map_err(|error| self.again(&record, &error));
        };
        tracing::Span::current().record("event_id", event.id.as_str());
        let delivery = Delivery { record: &record, envelope, event };
        let ended = match self.work(&delivery, deadline).await {
            Ok(done) => self.finish(&delivery, done).await,
            Err(undone) => self.undone(&delivery, undone).await?,
        };
        ended.map_err(|error| self.again(&record, &error))
    }

    async fn work(&self, delivery: &Delivery<'_>, deadline: Deadline) -> Result<Done, Undone> {
        let event = &delivery.event;
        let outcome = |outcome| Done { outcome, subscription: None, invoice_id: None };
        if event.kind() != EventKind::PaymentSaleCompleted {
            return Ok(outcome(Outcome::Published));
        }
        let told = event.sale().map_err(|error| Undone::Never { reason: "not_a_sale", detail: error.to_string() })?;
        let Some(subscription_id) = told.billing_agreement_id.clone() else {
            return Ok(outcome(Outcome::NoSubscription));
        };
        let sale = self.paypal.sale(&told.id, deadline).await.map_err(|error| unread(&error, "sale_unknown"))?;
        if sale.billing_agreement_id.as_ref() != Some(&subscription_id) || sale.amount != told.amount {
            let detail = format!("PayPal's sale {} has another amount or subscription than the event", told.id);
            return Err(Undone::Untrue { reason: "disagrees_with_paypal", detail });
        }
        if sale.is_pending() {
            let detail = format!("PayPal does not show yet that the sale {} is completed", told.id);
            return Err(Undone::Later { reason: "sale_pending", detail });
        }
        if !sale.is_completed() {
            // Held, or already refunded: there is nothing to confirm to the buyer.
            return Ok(outcome(Outcome::Published));
        }
        let subscription = self.paypal.subscription(&subscription_id, deadline).await;
        let subscription = subscription.map_err(|error| unread(&error, "subscription_unknown"))?;
        self.invoice(&sale, subscription, deadline).await
    }

    async fn invoice(&self, sale: &Sale, subscription: Subscription, deadline: Deadline) -> Result<Done, Undone> {
        let settled = invoice::settle(&self.paypal, &self.invoicer, sale, &subscription, deadline).await;
        let (outcome, id) = match settled {
            Ok(Settled::Paid(id)) => (Outcome::Invoiced, id),
            Ok(Settled::Left(id)) => (Outcome::InvoiceLeft, id),
            Err(failed) => {
                if let invoice::Failed::PayPal(error) = &failed {
                    log::paypal_failed(error);
                }
                let detail = failed.to_string();
                let later = failed.retryable();
                let reason = "invoice_failed";
                return Err(if later { Undone::Later { reason, detail } } else { Undone::Never { reason, detail } });
            }
        };
        Ok(Done { outcome, subscription: Some(subscription), invoice_id: Some(id.to_string()) })
    }

    /// Gives an event up, or has it come again. The inner result is how the giving up went.
    async fn undone(&self, delivery: &Delivery<'_>, undone: Undone) -> Result<Result<(), AwsError>, Again> {
        let age = self.age_seconds(delivery);
        let tries = delivery.record.tries();
        let too_old = self.retry.gives_up(tries, age);
        let (reason, detail, publish) = match undone {
            Undone::Unknown { reason, detail } if too_old || age > UNKNOWN_SECONDS => (reason, detail, false),
            Undone::Later { reason, detail } | Undone::Unknown { reason, detail } if !too_old => {
                let Event { id, event_type, .. } = &delivery.event;
                let delayed_seconds = age;
                tracing::warn!(event_id = id, event_type, reason, detail, tries, delayed_seconds, "event comes again");
                let wait = self.retry.wait_at_least(tries, self.paypal.rate_limited_for());
                return Err(Again { after_seconds: Some(wait) });
            }
            Undone::Later { reason, detail } | Undone::Never { reason, detail } => (reason, detail, true),
            Undone::Unknown { reason, detail } | Undone::Untrue { reason, detail } => (reason, detail, false),
        };
        Ok(self.give_up(delivery, reason, &detail, publish).await)
    }

    async fn give_up(
        &self,
        delivery: &Delivery<'_>,
        reason: &str,
        detail: &str,
        publish: bool,
    ) -> Result<(), AwsError> {
        let Delivery { record, envelope, event } = delivery;
        let rejected = Rejected {
            reason: reason.to_owned(),
            detail: detail.to_owned(),
            envelope: Some(envelope.clone()),
            unreadable: None,
        };
        self.reject(record, &rejected, event).await?;
        let signal = Signal::InvoiceFailed.as_str();
        tracing::error!(event_id = event.id, event_type = event.event_type, reason, detail, signal, "event given up");
        if !publish {
            return Ok(());
        }
        self.finish(delivery, Done { outcome: Outcome::InvoiceFailed, subscription: None, invoice_id: None }).await
    }

    async fn unreadable(&self, record: &Record) -> Result<(), AwsError> {
        let rejected = Rejected {
            reason: "unreadable".to_owned(),
            detail: "the message is not a delivery with an event in it".to_owned(),
            envelope: None,
            unreadable: Some(record.body.clone()),
        };
        let message = Message::json(&rejected, vec![(attribute::REASON, rejected.reason.clone())])?;
        self.errors.send(message.fifo(&record.message_id, &record.message_id)).await?;
        tracing::error!(message_id = record.message_id, reason = rejected.reason, "message given up");
        Ok(())
    }

    async fn reject(&self, record: &Record, rejected: &Rejected, event: &Event) -> Result<(), AwsError> {
        let received_at = rejected.envelope.as_ref().map(|envelope| envelope.received_at.clone()).unwrap_or_default();
        let attributes = vec![
            (attribute::REASON, rejected.reason.clone()),
            (attribute::EVENT_ID, event.id.clone()),
            (attribute::EVENT_TYPE, event.event_type.clone()),
            (attribute::RECEIVED_AT, received_at),
        ];
        let message = Message::json(rejected, attributes)?;
        // A message that is sent back has a new id, so that its next rejection is not taken for this one.
        self.errors.send(message.fifo(&group(event), &record.message_id)).await
    }

    async fn finish(&self, delivery: &Delivery<'_>, done: Done) -> Result<(), AwsError> {
        let Delivery { envelope, event, .. } = delivery;
        let Done { outcome, subscription, invoice_id } = done;
        let subscription_id =
            subscription.as_ref().map(|subscription| subscription.id.to_string()).or_else(|| about(event));
        let plan_id =
            subscription.as_ref().and_then(|subscription| subscription.plan_id.as_ref().map(ToString::to_string));
        let custom_id = subscription.and_then(|subscription| subscription.custom_id);
        // Where nothing was read back, the event itself says so.
        let told = event.labels();
        let (plan_id, custom_id) = (plan_id.or(told.plan_id), custom_id.or(told.custom_id));
        let finished = Finished {
            event_id: event.id.clone(),
            event_type: event.event_type.clone(),
            outcome,
            meaning: meaning(&event.kind()).map(str::to_owned),
            subscription_id: subscription_id.clone(),
            plan_id: plan_id.clone(),
            custom_id: custom_id.clone(),
            invoice_id,
            event: raw(&envelope.body)?,
        };
        let attributes = [
            (attribute::EVENT_TYPE, Some(event.event_type.clone())),
            (attribute::EVENT_ID, Some(event.id.clone())),
            (attribute::OUTCOME, Some(outcome.as_str().to_owned())),
            (attribute::SUBSCRIPTION_ID, subscription_id),
            (attribute::PLAN_ID, plan_id),
            (attribute::CUSTOM_ID, custom_id),
        ];
        let attributes = attributes.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect();
        self.finished.publish(Message::json(&finished, attributes)?).await?;
        let age_seconds = age_seconds(envelope);
        let (id, outcome) = (&event.id, outcome.as_str());
        tracing::info!(event_id = id, event_type = event.event_type, outcome, age_seconds, "event finished");
        Ok(())
    }

    /// The time since the first try. An event that was sent back from an error queue begins anew.
    fn age_seconds(&self, delivery: &Delivery<'_>) -> i64 {
        delivery.record.tried_for_seconds()
    }

    fn again(&self, record: &Record, error: &AwsError) -> Again {
        tracing::warn!(message_id = record.message_id, %error, "message comes again");
        Again { after_seconds: Some(self.retry.redelivery_seconds(record.tries())) }
    }
}

/// The group of an event in `verified.fifo`: what must not be worked on twice at a time. Payments and refunds have that of
/// their sale, so that a sale that waits holds back nothing else of its subscription.
#[must_use]
pub fn group(event: &Event) -> String {
    // SQS takes 1 to 128 letters, digits and signs; an event's own id is such a text.
    let plain = |text: String| text.chars().filter(char::is_ascii_graphic).take(128).collect::<String>();
    event
        .sale_id()
        .or_else(|| about(event))
        .map(plain)
        .filter(|group| !group.is_empty())
        .unwrap_or_else(|| event.id.clone())
}

/// By what `verified.fifo` knows a repeated delivery of an event: its type, its id and its bytes. The signature does not bind
/// the bytes, and an altered event that came first must not keep the true one out. In PayPal's simulator all events of a
/// type are alike; there `transmission` tells deliveries apart, and it is empty elsewhere.
#[must_use]
pub fn deduplication(event: &Event, body: &[u8], transmission: &str) -> String {
    let start = format!("{}|{}|{transmission}|", event.event_type, event.id);
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &[start.as_bytes(), body].concat()).to_string()
}

/// The subscription that an event is about; for a sale without one, the sale.
fn about(event: &Event) -> Option<String> {
    if event.event_type.starts_with("PAYMENT.SALE.") {
        let sale = event.sale().ok()?;
        return Some(sale.billing_agreement_id.map_or_else(|| sale.id.to_string(), |id| id.to_string()));
    }
    event.event_type.starts_with("BILLING.SUBSCRIPTION.").then(|| event.resource_id()).flatten()
}

/// What an event means for the subscription, in one word.
fn meaning(kind: &EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::PaymentSaleCompleted => "payment_completed",
        EventKind::PaymentSalePending => "payment_pending",
        EventKind::PaymentSaleDenied => "payment_denied",
        EventKind::PaymentSaleRefunded => "payment_refunded",
        EventKind::PaymentSaleReversed => "payment_reversed",
        EventKind::BillingSubscriptionCreated => "subscription_created",
        EventKind::BillingSubscriptionActivated => "subscription_activated",
        EventKind::BillingSubscriptionUpdated => "subscription_updated",
        EventKind::BillingSubscriptionExpired => "subscription_expired",
        EventKind::BillingSubscriptionCancelled => "subscription_cancelled",
        EventKind::BillingSubscriptionSuspended => "subscription_suspended",
        EventKind::BillingSubscriptionReActivated => "subscription_activated",
        EventKind::BillingSubscriptionPaymentFailed => "payment_failed",
        _ => return None,
    })
}

/// What a failed read means.
fn unread(error: &paypal::Error, reason: &'static str) -> Undone {
    log::paypal_failed(error);
    let detail = error.to_string();
    match error.status() {
        Some(404) => Undone::Unknown { reason, detail },
        _ if error.retryable() => Undone::Later { reason: "paypal_unavailable", detail },
        _ => Undone::Never { reason: "paypal_refuses", detail },
    }
}

fn age_seconds(envelope: &Envelope) -> i64 {
    let arrived = envelope.received_at.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    Timestamp::now().as_second() - arrived.as_second()
}

/// The event's own bytes.
///
/// # Errors
/// When they are not one JSON value. An event that was read is one, so the error is not expected; it must not become `null`.
fn raw(body: &[u8]) -> Result<Box<RawValue>, AwsError> {
    serde_json::from_slice(body).map_err(|error| AwsError::Unwritable(error.classify()))
}
