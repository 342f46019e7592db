//! Works on genuine events: completed sales get their invoice, every event is published with its outcome.
//!
//! The signature covers only a checksum of the body, so an event is a hint: what moves documents, and what links a refund or
//! a dispute to its subscription, is read back from PayPal.

use contract::{
    config::{Invoicer, PersonalData, Retry},
    event::{Envelope, Finished, Outcome, Rejected, attribute},
    signal::Signal,
};
use jiff::Timestamp;
use paypal::{
    Client, Deadline, Sale, SubscriptionId,
    events::{Event, EventKind, Labels},
    sales::SaleState,
};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::{
    batch::{Again, Record},
    clients::{AwsError, Message, Queue, Topic},
    invoice::{self, Issued, Job, Settlement},
    log, personal,
};

/// How long something that PayPal does not know is read again, in seconds: what was just made may not be everywhere yet.
const UNKNOWN_SECONDS: i64 = 600;

/// The number of sales of one dispute that are read.
const MAX_DISPUTED: usize = 10;

/// Works on events.
pub struct Processor {
    /// PayPal.
    pub paypal: Client,
    /// Who sends the invoices.
    pub invoicer: Invoicer,
    /// Whether published events hold the buyer's personal data.
    pub personal_data: PersonalData,
    /// When a failed event is tried again.
    pub retry: Retry,
    /// Where events are published.
    pub finished: Topic,
    /// Where events go that could not be worked on.
    pub errors: Queue,
}

/// What is known of an event's payment. It is published with every outcome, also with that of an event that is given up.
#[derive(Default)]
struct Facts {
    sale_id: Option<String>,
    subscription_id: Option<String>,
    plan_id: Option<String>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    invoice_url: Option<String>,
    buyer_notified: Option<bool>,
    reason: Option<&'static str>,
}

impl Facts {
    /// What the event itself says: a hint, until PayPal confirms it.
    fn of(event: &Event) -> Self {
        let Labels { plan_id, custom_id } = event.labels();
        let sale_id = match event.sale_ids().as_slice() {
            [sale] if is_about_payment(event) => Some(sale.to_string()),
            _ => None,
        };
        let subscription_id = subscription_of(event).map(|id| id.to_string());
        Self { sale_id, subscription_id, plan_id, custom_id, ..Self::default() }
    }

    fn invoice(&mut self, Issued { id, url }: Issued) {
        (self.invoice_id, self.invoice_url) = (Some(id.to_string()), url);
    }
}

/// Why an event has no outcome yet.
enum ProcessError {
    /// Another try can help. The outcome is that of the event once it is given up.
    Retryable { reason: &'static str, detail: String, outcome: Outcome },
    /// PayPal does not show what the event says, and may show it within minutes. Published only with an outcome.
    NotYetVisible { reason: &'static str, detail: String, outcome: Option<Outcome> },
    /// No further try can help, and the event is true.
    Permanent { reason: &'static str, detail: String, outcome: Outcome },
    /// PayPal contradicts the event: it is not published.
    Contradicted { reason: &'static str, detail: String },
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
        let mut facts = Facts::of(&event);
        let delivery = Delivery { record: &record, envelope, event };
        let ended = match self.work(&delivery, &mut facts, deadline).await {
            Ok(outcome) => self.finish(&delivery, outcome, facts).await,
            Err(error) => self.failed(&delivery, error, facts).await?,
        };
        ended.map_err(|error| self.again(&record, &error))
    }

    async fn work(
        &self,
        delivery: &Delivery<'_>,
        facts: &mut Facts,
        deadline: Deadline,
    ) -> Result<Outcome, ProcessError> {
        let event = &delivery.event;
        match event.kind() {
            EventKind::PaymentSaleCompleted => self.completed(event, facts, deadline).await,
            _ if is_about_payment(event) || is_dispute(event) => self.link(delivery, facts, deadline).await,
            _ => Ok(Outcome::Published),
        }
    }

    /// A completed sale of a subscription gets its invoice.
    async fn completed(&self, event: &Event, facts: &mut Facts, deadline: Deadline) -> Result<Outcome, ProcessError> {
        let outcome = Outcome::InvoiceFailed;
        let told = event.sale().map_err(|error| {
            let detail = error.to_string();
            ProcessError::Permanent { reason: "not_a_sale", detail, outcome }
        })?;
        let Some(subscription_id) = told.subscription_id() else { return Ok(Outcome::NoSubscription) };
        let sale = self.paypal.sale(&told.id, deadline).await;
        let sale = sale.map_err(|error| unread(&error, "sale_unknown", outcome, None))?;
        if sale.billing_agreement_id != told.billing_agreement_id || sale.amount != told.amount {
            let detail = format!("PayPal's sale {} has another amount or subscription than the event", told.id);
            return Err(ProcessError::Contradicted { reason: "disagrees_with_paypal", detail });
        }
        if sale.amount.value <= Decimal::ZERO {
            return Ok(Outcome::NothingPaid);
        }
        let create = match &sale.state {
            SaleState::Completed | SaleState::PartiallyRefunded => true,
            // PayPal holds the merchant's funds back. The buyer has paid.
            SaleState::Pending if sale.held => true,
            SaleState::Pending => {
                let detail = format!("PayPal does not show yet that the sale {} is completed", told.id);
                return Err(ProcessError::Retryable { reason: "sale_pending", detail, outcome });
            }
            // An invoice that was begun before is settled: the payment was made.
            SaleState::Refunded => false,
            SaleState::Denied => return Ok(Outcome::SaleDenied),
            SaleState::Other(state) => {
                let detail = format!("PayPal reports the state {state:?} of the sale {}, which is not known", told.id);
                return Err(ProcessError::Permanent { reason: "sale_state_unknown", detail, outcome });
            }
        };
        self.invoice(&sale, &subscription_id, create, facts, deadline).await
    }

    async fn invoice(
        &self,
        sale: &Sale,
        subscription_id: &SubscriptionId,
        create: bool,
        facts: &mut Facts,
        deadline: Deadline,
    ) -> Result<Outcome, ProcessError> {
        let outcome = Outcome::InvoiceFailed;
        let subscription = self.paypal.subscription(subscription_id, deadline).await;
        let subscription = subscription.map_err(|error| unread(&error, "subscription_unknown", outcome, None))?;
        facts.plan_id = subscription.plan_id.as_ref().map(ToString::to_string);
        facts.custom_id.clone_from(&subscription.custom_id);
        let Self { paypal: client, invoicer, .. } = self;
        let job = Job { client, invoicer, sale, subscription: &subscription, create };
        match invoice::settle(&job, deadline).await {
            Ok(Settlement::Paid { invoice, buyer_notified }) => {
                facts.invoice(invoice);
                facts.buyer_notified = buyer_notified;
                Ok(Outcome::Invoiced)
            }
            Ok(Settlement::Unchanged(invoice)) => {
                facts.invoice(invoice);
                Ok(Outcome::InvoiceLeft)
            }
            Ok(Settlement::PaidTwice(invoice)) => {
                let (signal, invoice_id, sale_id) = (Signal::PaidTwice.as_str(), invoice.id.as_str(), sale.id.as_str());
                tracing::error!(signal, invoice_id, sale_id, "the buyer paid the invoice of a sale that was paid");
                facts.invoice(invoice);
                Ok(Outcome::PaidTwice)
            }
            Ok(Settlement::NoInvoice) => Ok(Outcome::SaleRefunded),
            Err(failed) => {
                if let Some(error) = failed.paypal() {
                    log::paypal_failed(error);
                }
                let (reason, detail) = (failed.reason(), failed.to_string());
                Err(match failed.retry() {
                    invoice::Retry::Later => ProcessError::Retryable { reason, detail, outcome },
                    invoice::Retry::Soon => ProcessError::NotYetVisible { reason, detail, outcome: Some(outcome) },
                    invoice::Retry::Never => ProcessError::Permanent { reason, detail, outcome },
                })
            }
        }
    }

    /// Links a refund, a reversal, a dispute, or another event about payments to its subscription, which PayPal knows by the
    /// sale. The event itself may not have it, and what it has is a hint.
    async fn link(
        &self,
        delivery: &Delivery<'_>,
        facts: &mut Facts,
        deadline: Deadline,
    ) -> Result<Outcome, ProcessError> {
        (facts.subscription_id, facts.plan_id) = (None, None);
        let mut subscriptions: Vec<Option<SubscriptionId>> = Vec::new();
        for id in delivery.event.sale_ids().iter().take(MAX_DISPUTED) {
            let sale = match self.paypal.sale(id, deadline).await {
                Ok(sale) => sale,
                // A payment of another product, which this API does not know.
                Err(error) if error.status() == Some(404) && self.is_too_old(delivery) => {
                    return Ok(Outcome::LinkUnknown);
                }
                Err(error) => return Err(unlinked(&error, "sale_unknown")),
            };
            let subscription = sale.subscription_id();
            if !subscriptions.contains(&subscription) {
                subscriptions.push(subscription);
            }
        }
        // A dispute about payments of several subscriptions belongs to none of them.
        let [Some(id)] = subscriptions.as_slice() else { return Ok(Outcome::Published) };
        let subscription = self.paypal.subscription(id, deadline).await;
        let subscription = match subscription {
            Ok(subscription) => subscription,
            Err(error) if error.status() == Some(404) && self.is_too_old(delivery) => return Ok(Outcome::LinkUnknown),
            Err(error) => return Err(unlinked(&error, "subscription_unknown")),
        };
        facts.subscription_id = Some(subscription.id.to_string());
        facts.plan_id = subscription.plan_id.map(|id| id.to_string());
        facts.custom_id = subscription.custom_id;
        Ok(Outcome::Published)
    }

    /// Returns true if what PayPal does not show will not appear any more.
    fn is_too_old(&self, delivery: &Delivery<'_>) -> bool {
        let age = self.age_seconds(delivery);
        age > UNKNOWN_SECONDS || self.retry.gives_up(delivery.record.tries(), age)
    }

    /// Gives an event up, or has it come again. The inner result is how the giving up went.
    async fn failed(
        &self,
        delivery: &Delivery<'_>,
        error: ProcessError,
        facts: Facts,
    ) -> Result<Result<(), AwsError>, Again> {
        let age = self.age_seconds(delivery);
        let tries = delivery.record.tries();
        let (over, reason, detail, outcome) = match error {
            ProcessError::Retryable { reason, detail, outcome } => {
                (self.retry.gives_up(tries, age), reason, detail, Some(outcome))
            }
            ProcessError::NotYetVisible { reason, detail, outcome } => {
                (self.is_too_old(delivery), reason, detail, outcome)
            }
            ProcessError::Permanent { reason, detail, outcome } => (true, reason, detail, Some(outcome)),
            ProcessError::Contradicted { reason, detail } => (true, reason, detail, None),
        };
        if !over {
            let Event { id, event_type, .. } = &delivery.event;
            let delayed_seconds = age;
            tracing::warn!(event_id = id, event_type, reason, detail, tries, delayed_seconds, "event comes again");
            let wait = self.retry.wait_at_least(tries, self.paypal.rate_limited_for());
            return Err(Again { after_seconds: Some(wait) });
        }
        Ok(self.give_up(delivery, reason, &detail, outcome, facts).await)
    }

    async fn give_up(
        &self,
        delivery: &Delivery<'_>,
        reason: &'static str,
        detail: &str,
        outcome: Option<Outcome>,
        facts: Facts,
    ) -> Result<(), AwsError> {
        let Delivery { record, envelope, event } = delivery;
        let rejected = Rejected {
            reason: reason.to_owned(),
            detail: detail.to_owned(),
            envelope: Some(envelope.clone()),
            unreadable: None,
        };
        self.reject(record, &rejected, event).await?;
        // A payment without an invoice; an event that is only not linked shows in the error queue.
        let signal = (outcome != Some(Outcome::LinkUnknown)).then_some(Signal::InvoiceFailed.as_str());
        tracing::error!(event_id = event.id, event_type = event.event_type, reason, detail, signal, "event given up");
        let Some(outcome) = outcome else { return Ok(()) };
        self.finish(delivery, outcome, Facts { reason: Some(reason), ..facts }).await
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

    async fn finish(&self, delivery: &Delivery<'_>, outcome: Outcome, facts: Facts) -> Result<(), AwsError> {
        let Delivery { envelope, event, .. } = delivery;
        let Facts { sale_id, subscription_id, plan_id, custom_id, invoice_id, invoice_url, buyer_notified, reason } =
            facts;
        // Nine digits, also where they are zeros: as text, the latest is the greatest.
        let finished_at = format!("{:.9}", Timestamp::now());
        let finished = Finished {
            event_id: event.id.clone(),
            finished_at: finished_at.clone(),
            event_type: event.event_type.clone(),
            outcome,
            meaning: meaning(&event.kind()).map(str::to_owned),
            subscription_id: subscription_id.clone(),
            plan_id: plan_id.clone(),
            custom_id: custom_id.clone(),
            sale_id,
            invoice_id,
            invoice_url,
            buyer_notified,
            reason: reason.map(str::to_owned),
            event: match self.personal_data {
                PersonalData::Include => raw(&envelope.body)?,
                PersonalData::Remove => raw(&personal::removed(&envelope.body).map_err(AwsError::Unwritable)?)?,
            },
        };
        let attributes = [
            (attribute::EVENT_TYPE, Some(event.event_type.clone())),
            (attribute::EVENT_ID, Some(event.id.clone())),
            (attribute::OUTCOME, Some(outcome.as_str().to_owned())),
            (attribute::FINISHED_AT, Some(finished_at)),
            (attribute::SUBSCRIPTION_ID, subscription_id),
            (attribute::PLAN_ID, plan_id),
            (attribute::CUSTOM_ID, custom_id),
        ];
        // SNS takes no empty attributes.
        let attributes = attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
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
    let sale = is_about_payment(event).then(|| event.sale_ids().into_iter().next()).flatten();
    sale.map(|id| id.to_string())
        .or_else(|| subscription_of(event).map(|id| id.to_string()))
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

/// Returns true for a sale's event, and for one of its refund.
fn is_about_payment(event: &Event) -> bool {
    event.event_type.starts_with("PAYMENT.SALE.")
}

fn is_dispute(event: &Event) -> bool {
    event.event_type.starts_with("CUSTOMER.DISPUTE.") || event.event_type.starts_with("RISK.DISPUTE.")
}

/// The subscription that an event names: its own, or the one that a sale pays for.
fn subscription_of(event: &Event) -> Option<SubscriptionId> {
    if is_about_payment(event) {
        return event.sale().ok()?.subscription_id();
    }
    let own = event.event_type.starts_with("BILLING.SUBSCRIPTION.").then(|| event.resource_id()).flatten()?;
    SubscriptionId::parse(&own).ok()
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
        EventKind::CustomerDisputeCreated | EventKind::RiskDisputeCreated => "dispute_opened",
        EventKind::CustomerDisputeUpdated => "dispute_updated",
        EventKind::CustomerDisputeResolved => "dispute_resolved",
        _ => return None,
    })
}

/// What a failed read means. The outcomes are those of an event that is given up for it: for a failure, and for something
/// that PayPal does not know.
fn unread(error: &paypal::Error, reason: &'static str, failed: Outcome, unknown: Option<Outcome>) -> ProcessError {
    log::paypal_failed(error);
    let (detail, outcome) = (error.to_string(), failed);
    match error.status() {
        Some(404) => ProcessError::NotYetVisible { reason, detail, outcome: unknown },
        _ if error.retryable() => ProcessError::Retryable { reason: "paypal_unavailable", detail, outcome },
        _ => ProcessError::Permanent { reason: "paypal_refuses", detail, outcome },
    }
}

fn unlinked(error: &paypal::Error, reason: &'static str) -> ProcessError {
    unread(error, reason, Outcome::LinkUnknown, Some(Outcome::LinkUnknown))
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
