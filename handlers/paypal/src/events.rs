//! What a webhook's body says. Unknown fields and types pass.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/event-names/>

use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};

use crate::{Sale, SaleId};

/// The longest id and type that an event may have, in characters; they become attributes and groups.
const LONGEST_WORD: usize = 128;

/// An event.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// PayPal's id of the event; the simulator gives several events the same.
    pub id: String,
    /// Such as `PAYMENT.SALE.COMPLETED`.
    pub event_type: String,
    /// What it is about, in the shape of its type.
    #[serde(default)]
    pub resource: Option<Box<RawValue>>,
}

/// By what an event's subscription is known to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The plan.
    pub plan_id: Option<String>,
    /// The caller's own id, `custom_id`; where that is missing, `custom`.
    pub custom_id: Option<String>,
}

/// Why a body is not an event.
#[derive(Debug, thiserror::Error)]
#[error("not an event of PayPal's: {0}")]
pub struct NotAnEvent(&'static str);

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// When the body is not a JSON object with an `id` and an `event_type` of printable ASCII, at most 128 characters.
    pub fn parse(body: &[u8]) -> Result<Self, NotAnEvent> {
        let event: Self = serde_json::from_slice(body).map_err(|_| NotAnEvent("it has no id and event_type"))?;
        let word =
            |text: &str| (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if word(&event.id) && word(&event.event_type) {
            Ok(event)
        } else {
            Err(NotAnEvent("its id or event_type is not a word"))
        }
    }

    /// The event's type.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind::of(&self.event_type)
    }

    /// The sale that the event is about.
    ///
    /// # Errors
    /// When the resource does not have a sale's shape.
    pub fn sale(&self) -> Result<Sale, NotAnEvent> {
        self.resource_as().ok_or(NotAnEvent("its resource is not a sale"))
    }

    /// The id of what the event is about.
    #[must_use]
    pub fn resource_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct WithId {
            id: String,
        }
        self.resource_as::<WithId>().map(|resource| resource.id).filter(|id| !id.is_empty())
    }

    /// What the event itself says about plan and custom id; a hint, as all of it. A member of another type is left out
    /// alone.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let Some(resource) = self.resource_as::<Json>() else { return Labels::default() };
        let member = |name: &str| resource.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Labels { plan_id: member("plan_id"), custom_id: member("custom_id").or_else(|| member("custom")) }
    }

    /// The sales that a refund, a reversal, a dispute or a sale's own event is about, by their ids. A refund names its sale
    /// in `sale_id`, or only in a link; a dispute names the seller's transactions.
    ///
    /// Source: <https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get>
    #[must_use]
    pub fn sale_ids(&self) -> Vec<SaleId> {
        let Some(resource) = self.resource_as::<Json>() else { return Vec::new() };
        let text = |pointer: &str| resource.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty());
        let linked = || {
            let links = resource.get("links")?.as_array()?;
            let link = links.iter().find(|link| link.get("rel").and_then(Json::as_str) == Some("sale"))?;
            link.get("href")?.as_str()?.rsplit('/').next()
        };
        let transaction = |disputed: &'_ Json| -> Option<SaleId> {
            SaleId::parse(disputed.get("seller_transaction_id")?.as_str()?).ok()
        };
        match resource.get("disputed_transactions").and_then(Json::as_array) {
            Some(disputed) => disputed.iter().filter_map(transaction).collect(),
            None => {
                let sale = text("/sale_id").or_else(linked).or_else(|| text("/id"));
                sale.and_then(|id| SaleId::parse(id).ok()).into_iter().collect()
            }
        }
    }

    fn resource_as<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        self.resource.as_ref().and_then(|resource| serde_json::from_str(resource.get()).ok())
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, )*) => {
        /// The types of events about plans, subscriptions and their payments.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum EventKind {
            $( $(#[$doc])* $name, )*
            /// Any other type.
            Other(String),
        }

        impl EventKind {
            fn of(text: &str) -> Self {
                match text {
                    $( $text => Self::$name, )*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

kinds! {
    /// A product was created.
    CatalogProductCreated = "CATALOG.PRODUCT.CREATED",
    /// A product was changed.
    CatalogProductUpdated = "CATALOG.PRODUCT.UPDATED",
    /// A payment is completed.
    PaymentSaleCompleted = "PAYMENT.SALE.COMPLETED",
    /// A payment waits for something.
    PaymentSalePending = "PAYMENT.SALE.PENDING",
    /// A payment was refused.
    PaymentSaleDenied = "PAYMENT.SALE.DENIED",
    /// A payment was given back.
    PaymentSaleRefunded = "PAYMENT.SALE.REFUNDED",
    /// A payment was taken back by the buyer's bank.
    PaymentSaleReversed = "PAYMENT.SALE.REVERSED",
    /// A plan was created.
    BillingPlanCreated = "BILLING.PLAN.CREATED",
    /// A plan was changed.
    BillingPlanUpdated = "BILLING.PLAN.UPDATED",
    /// A plan can be subscribed to.
    BillingPlanActivated = "BILLING.PLAN.ACTIVATED",
    /// A plan's new price is in force.
    BillingPlanPricingChangeActivated = "BILLING.PLAN.PRICING-CHANGE.ACTIVATED",
    /// A plan can no longer be subscribed to.
    BillingPlanDeactivated = "BILLING.PLAN.DEACTIVATED",
    /// A subscription was created.
    BillingSubscriptionCreated = "BILLING.SUBSCRIPTION.CREATED",
    /// A subscription was approved and runs.
    BillingSubscriptionActivated = "BILLING.SUBSCRIPTION.ACTIVATED",
    /// A subscription was changed.
    BillingSubscriptionUpdated = "BILLING.SUBSCRIPTION.UPDATED",
    /// A subscription came to its end.
    BillingSubscriptionExpired = "BILLING.SUBSCRIPTION.EXPIRED",
    /// A subscription was cancelled.
    BillingSubscriptionCancelled = "BILLING.SUBSCRIPTION.CANCELLED",
    /// A subscription is suspended.
    BillingSubscriptionSuspended = "BILLING.SUBSCRIPTION.SUSPENDED",
    /// A subscription runs again; an old name of `ACTIVATED`.
    BillingSubscriptionReActivated = "BILLING.SUBSCRIPTION.RE-ACTIVATED",
    /// A payment of a subscription failed.
    BillingSubscriptionPaymentFailed = "BILLING.SUBSCRIPTION.PAYMENT.FAILED",
    /// A buyer disputes a payment.
    CustomerDisputeCreated = "CUSTOMER.DISPUTE.CREATED",
    /// A dispute was changed.
    CustomerDisputeUpdated = "CUSTOMER.DISPUTE.UPDATED",
    /// A dispute was decided.
    CustomerDisputeResolved = "CUSTOMER.DISPUTE.RESOLVED",
    /// A buyer disputes a payment; an old name.
    RiskDisputeCreated = "RISK.DISPUTE.CREATED",
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind};

    #[test]
    fn an_event_needs_an_id_and_a_type() {
        let event = Event::parse(br#"{"id":"WH-1","event_type":"PAYMENT.SALE.DENIED","x":{"y":[1]}}"#).unwrap();
        assert_eq!(event.kind(), EventKind::PaymentSaleDenied);
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"id":1,"event_type":"A"}"#,
            r#"{"id":"a b","event_type":"A"}"#,
            r#"{"id":"","event_type":"A"}"#,
        ] {
            assert!(Event::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Event::parse(&[0xff, 0xfe]).is_err());
        assert!(Event::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_sale_without_a_subscription_has_none() {
        let sale = |agreement: &str| {
            let body = format!(
                r#"{{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED","resource":{{"id":"1AB","amount":{{"total":"1.00","currency":"USD"}}{agreement}}}}}"#
            );
            Event::parse(body.as_bytes()).unwrap().sale().ok().map(|sale| sale.subscription_id())
        };
        assert_eq!(sale(""), Some(None));
        assert_eq!(sale(r#","billing_agreement_id":"""#), Some(None));
        assert!(sale(r#","billing_agreement_id":"I-1A""#).flatten().is_some());
        assert_eq!(sale(r#","billing_agreement_id":"../x""#), Some(None));
    }

    fn about(resource: &str) -> Event {
        Event::parse(format!(r#"{{"id":"WH-1","event_type":"X","resource":{resource}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn labels_are_read_one_by_one() {
        let labels = |resource: &str| {
            let labels = about(resource).labels();
            (labels.plan_id, labels.custom_id)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(labels(r#"{"plan_id":"P-1","custom_id":"a","custom":"b"}"#), (some("P-1"), some("a")));
        assert_eq!(labels(r#"{"plan_id":7,"custom":"b"}"#), (None, some("b")));
        assert_eq!(labels(r#"{"plan_id":"P-1","custom_id":null,"custom":"b"}"#), (some("P-1"), some("b")));
        assert_eq!(labels("[]"), (None, None));
    }

    #[test]
    fn refunds_and_disputes_name_their_sales() {
        let ids = |resource: &str| about(resource).sale_ids().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ids(r#"{"id":"R1","sale_id":"S1"}"#), ["S1"]);
        assert_eq!(ids(r#"{"id":"R1","links":[{"rel":"sale","href":"https://x/v1/payments/sale/S2"}]}"#), ["S2"]);
        assert_eq!(ids(r#"{"id":"S3"}"#), ["S3"]);
        let disputed =
            r#"{"id":"D","disputed_transactions":[{"seller_transaction_id":"S4"},{},{"seller_transaction_id":"S5"}]}"#;
        assert_eq!(ids(disputed), ["S4", "S5"]);
        assert!(ids("{}").is_empty() && ids("3").is_empty());
    }
}
