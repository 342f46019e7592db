//! What travels between the functions.
//!
//! A delivery of PayPal's is an [`Envelope`] from the receiver to its end: the body never changes on the way, because the
//! signature is over its bytes. What ends in an error queue is a [`Rejected`], what ends on `finished` a [`Finished`].

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What the JSON around a body needs at most, in bytes: five headers at their greatest lengths, names and times.
const ENVELOPE_BYTES: usize = 4096;

/// The largest body, in bytes, that fits a message of `message_bytes` once it is base64.
#[must_use]
pub const fn largest_body(message_bytes: usize) -> usize {
    message_bytes.saturating_sub(ENVELOPE_BYTES) / 4 * 3
}

/// PayPal's signature headers, by their names in lower case without `paypal-`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureHeaders {
    /// `PAYPAL-TRANSMISSION-ID`
    pub transmission_id: String,
    /// `PAYPAL-TRANSMISSION-TIME`, as PayPal wrote it.
    pub transmission_time: String,
    /// `PAYPAL-TRANSMISSION-SIG`
    pub transmission_sig: String,
    /// `PAYPAL-CERT-URL`
    pub cert_url: String,
    /// `PAYPAL-AUTH-ALGO`
    pub auth_algo: String,
}

/// A delivery of PayPal's, as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// When it came, RFC 3339. The replay window is measured against this, so that a redrive still passes.
    pub received_at: String,
    /// The signature's headers.
    pub headers: SignatureHeaders,
    /// The body's bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub body: Vec<u8>,
}

/// A message of `unverified`: a delivery, and what is known of the tries to verify it. The receiver writes the delivery
/// alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The delivery.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The tries that failed; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Attempts>,
    /// The rest of a wait that is longer than SQS delays a message, in seconds. It is over at 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wait_seconds: u32,
}

/// Tries that failed. They travel with the delivery, because each delayed delivery is a new message for SQS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Number of failed tries.
    pub count: u32,
    /// When the first failed, RFC 3339.
    pub first_at: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What an error queue holds: a delivery, and why it is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// A word for programs, such as `wrong_signature`; also the message attribute `reason`.
    pub reason: String,
    /// A sentence for people. No secrets, no personal data.
    pub detail: String,
    /// The delivery, as it came; absent when the message could not even be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// The message as it was, where it is no envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The payment's invoice is sent and settled.
    Invoiced,
    /// The event asks for no work.
    Published,
    /// A completed sale that belongs to no subscription.
    NoSubscription,
    /// A sale whose amount is not above zero, as in a free trial: no invoice.
    NothingPaid,
    /// A sale that was refunded or reversed in full before its invoice existed: no invoice.
    SaleRefunded,
    /// A sale that PayPal denied after it had told that it was completed: no invoice.
    SaleDenied,
    /// The sale's invoice was cancelled or refunded at PayPal, and left so.
    InvoiceLeft,
    /// The buyer paid the invoice of a payment that was already made: the second payment has to be given back.
    PaidTwice,
    /// PayPal refused the invoice for good; the error queue has the reason.
    InvoiceFailed,
    /// The subscription of a refund, a reversal, a dispute or another payment's event is unknown: PayPal does not know the
    /// payment, or the error queue has the reason.
    LinkUnknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Invoiced,
        Self::Published,
        Self::NoSubscription,
        Self::NothingPaid,
        Self::SaleRefunded,
        Self::SaleDenied,
        Self::InvoiceLeft,
        Self::PaidTwice,
        Self::InvoiceFailed,
        Self::LinkUnknown,
    ];

    /// The word in messages and attributes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoiced => "invoiced",
            Self::Published => "published",
            Self::NoSubscription => "no_subscription",
            Self::NothingPaid => "nothing_paid",
            Self::SaleRefunded => "sale_refunded",
            Self::SaleDenied => "sale_denied",
            Self::InvoiceLeft => "invoice_left",
            Self::PaidTwice => "paid_twice",
            Self::InvoiceFailed => "invoice_failed",
            Self::LinkUnknown => "link_unknown",
        }
    }
}

/// What `finished` tells its subscribers.
///
/// **Repeats.** SNS delivers at least once, and a crash after publishing publishes again: two messages with the same
/// `event_id` and `outcome` are repeats. An event that was given up and sent back from the error queue gets a second
/// outcome, such as `invoiced` after `invoice_failed`: of different outcomes of one `event_id`, the one with the latest
/// `finished_at` counts. Both are message attributes too.
///
/// **Trust.** What the outcomes of sales, and the links of refunds, reversals and disputes say was read back from PayPal.
/// Everything else is as the signed event has it, and PayPal's signature covers only a checksum of it: whoever moves money
/// on it reads it back too.
#[derive(Debug, Serialize, Deserialize)]
pub struct Finished {
    /// PayPal's id of the event.
    pub event_id: String,
    /// When this outcome was reached, RFC 3339 in UTC, always with nine digits after the point: it sorts as text. Of
    /// different outcomes of one event the latest counts.
    pub finished_at: String,
    /// Such as `PAYMENT.SALE.COMPLETED`.
    pub event_type: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What the event means for the subscription, such as `payment_refunded`; absent for types this service does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The subscription it is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// The plan of that subscription, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// The custom id of that subscription, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    /// PayPal's id of the sale that the event names, if it names one: a refund's own id is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_id: Option<String>,
    /// The invoice that was made for it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<String>,
    /// Where the buyer sees that invoice, as far as PayPal says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_url: Option<String>,
    /// Whether PayPal was told to notify the buyer of the invoice. `false`: PayPal refused it, or its answer is unknown;
    /// the shop can pass `invoice_url` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_notified: Option<bool>,
    /// Why the event was given up, as in the error queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// PayPal's event, byte for byte, unless the environment has personal data removed from it.
    pub event: Box<RawValue>,
}

/// Names of queues, as the stack and its tools know them.
pub mod queue {
    /// Webhooks wait here to be verified.
    pub const UNVERIFIED: &str = "unverified";
    /// Webhooks that are not PayPal's are kept here for some days, apart from what failed.
    pub const FORGED: &str = "forged";
}

/// Names of the message attributes on queues and topics.
pub mod attribute {
    /// PayPal's event type.
    pub const EVENT_TYPE: &str = "event_type";
    /// PayPal's event id.
    pub const EVENT_ID: &str = "event_id";
    /// Why a message is in an error queue.
    pub const REASON: &str = "reason";
    /// When the delivery came, RFC 3339.
    pub const RECEIVED_AT: &str = "received_at";
    /// What became of the event.
    pub const OUTCOME: &str = "outcome";
    /// When that outcome was reached, RFC 3339.
    pub const FINISHED_AT: &str = "finished_at";
    /// The subscription's id.
    pub const SUBSCRIPTION_ID: &str = "subscription_id";
    /// The plan's id.
    pub const PLAN_ID: &str = "plan_id";
    /// The subscription's custom id.
    pub const CUSTOM_ID: &str = "custom_id";
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(body: Vec<u8>) -> Envelope {
        let headers = SignatureHeaders {
            transmission_id: "i".repeat(50),
            transmission_time: "t".repeat(100),
            transmission_sig: "s".repeat(500),
            cert_url: "u".repeat(500),
            auth_algo: "a".repeat(100),
        };
        Envelope { received_at: "2026-11-01T00:00:00.000000000Z".to_owned(), headers, body }
    }

    #[test]
    fn the_largest_body_fits_its_message() {
        let envelope = envelope(vec![0; largest_body(262_144)]);
        assert!(serde_json::to_string(&envelope).unwrap().len() <= 262_144);
        assert!(largest_body(262_144) > 190_000);
    }

    #[test]
    fn queued_is_read_with_and_without_tries_and_a_delivery_from_it_has_none() {
        let envelope = envelope(vec![0, 255]);
        let plain: Queued = serde_json::from_str(&serde_json::to_string(&envelope).unwrap()).unwrap();
        assert!(plain.envelope == envelope && plain.attempts.is_none() && plain.wait_seconds == 0);
        assert_eq!(serde_json::to_string(&plain).unwrap(), serde_json::to_string(&envelope).unwrap());
        let attempts = Some(Attempts { count: 3, first_at: "2026-11-01T00:00:00Z".to_owned() });
        let tried = Queued { attempts, wait_seconds: 7, ..plain };
        let text = serde_json::to_string(&tried).unwrap();
        assert!(serde_json::from_str::<Queued>(&text).unwrap() == tried);
        // An event that was given up and is redriven starts counting again.
        assert!(serde_json::from_str::<Envelope>(&text).unwrap() == envelope);
    }

    #[test]
    fn bytes_survive_the_way() {
        let envelope = envelope((0..=255).collect());
        let text = serde_json::to_string(&envelope).unwrap();
        assert!(serde_json::from_str::<Envelope>(&text).unwrap() == envelope);
    }
}
