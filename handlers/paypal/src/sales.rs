//! Sales: payments of subscriptions, and others.
//!
//! Source: <https://developer.paypal.com/docs/api/payments/v1/#sale>

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{Client, Deadline, Error, Money, SaleId, SubscriptionId, client::Call};

/// A sale, as PayPal reports it or an event tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Sale {
    /// Its id.
    pub id: SaleId,
    /// Where it stands.
    pub state: SaleState,
    /// What was paid.
    pub amount: Money,
    /// The part of `amount` that the details call `subtotal`, without tax and shipping.
    pub subtotal: Option<Decimal>,
    /// The part of `amount` that is tax.
    pub tax: Option<Decimal>,
    /// PayPal's `billing_agreement_id`, in whatever form; `None` when absent or empty.
    pub billing_agreement_id: Option<String>,
    /// When it was made, RFC 3339.
    pub create_time: String,
    /// Whether PayPal holds the merchant's funds back. The buyer has paid all the same.
    pub held: bool,
}

/// Where a sale stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaleState {
    /// `completed`
    Completed,
    /// `partially_refunded`: the buyer paid all of it and got a part back.
    PartiallyRefunded,
    /// `pending`
    Pending,
    /// `refunded`, or `reversed` by the buyer's bank.
    Refunded,
    /// `denied`
    Denied,
    /// A word that PayPal's description does not have.
    Other(String),
}

impl SaleState {
    fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "completed" => Self::Completed,
            "partially_refunded" => Self::PartiallyRefunded,
            "pending" => Self::Pending,
            "refunded" | "reversed" => Self::Refunded,
            "denied" => Self::Denied,
            other => Self::Other(other.chars().take(40).collect()),
        }
    }
}

/// A sale in PayPal's shape. Members that are not needed to know the sale may have any shape.
#[derive(Deserialize)]
struct Wire {
    id: SaleId,
    #[serde(default)]
    state: Json,
    amount: Json,
    #[serde(default)]
    billing_agreement_id: Json,
    #[serde(default)]
    create_time: Json,
    #[serde(default)]
    payment_hold_status: Json,
}

impl TryFrom<Wire> for Sale {
    type Error = serde_json::Error;

    fn try_from(wire: Wire) -> Result<Self, serde_json::Error> {
        let Wire { id, state, amount, billing_agreement_id, create_time, payment_hold_status } = wire;
        let detail = |name: &str| amount.pointer(&format!("/details/{name}"))?.as_str()?.parse().ok();
        let (subtotal, tax) = (detail("subtotal"), detail("tax"));
        Ok(Self {
            id,
            state: SaleState::of(state.as_str().unwrap_or("")),
            amount: Money::deserialize(&amount)?,
            subtotal,
            tax,
            billing_agreement_id: billing_agreement_id.as_str().filter(|id| !id.is_empty()).map(str::to_owned),
            create_time: create_time.as_str().unwrap_or("").to_owned(),
            held: payment_hold_status.as_str() == Some("HELD"),
        })
    }
}

impl Sale {
    /// The subscription that was paid for. Other agreements, such as reference transactions (`B-...`), are none.
    #[must_use]
    pub fn subscription_id(&self) -> Option<SubscriptionId> {
        SubscriptionId::parse(self.billing_agreement_id.as_deref()?).ok()
    }
}

impl Client {
    /// A sale as it is now.
    ///
    /// # Errors
    /// When PayPal does not know it, or does not answer.
    pub async fn sale(&self, id: &SaleId, deadline: Deadline) -> Result<Sale, Error> {
        self.call(&Call::get("show sale", format!("/v1/payments/sale/{}", id.segment())), deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Sale, SaleState};

    fn sale(members: &str) -> Sale {
        let json = format!(
            r#"{{"id":"1AB","amount":{{"total":"11.90","currency":"EUR","details":{{"subtotal":"10.00","tax":"1.90"}}}}{members}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn sale_has_its_tax_and_its_state() {
        let read = sale(r#","state":"COMPLETED","payment_hold_status":"HELD""#);
        assert_eq!((read.state, read.held), (SaleState::Completed, true));
        assert_eq!(
            (read.subtotal.unwrap().to_string(), read.tax.unwrap().to_string()),
            ("10.00".into(), "1.90".into())
        );
        assert_eq!(sale(r#","state":"half_done""#).state, SaleState::Other("half_done".to_owned()));
        assert_eq!(sale("").state, SaleState::Other(String::new()));
    }

    #[test]
    fn agreement_of_another_form_is_no_subscription() {
        for (agreement, subscription) in [
            ("\"I-BW452GLLEP1G\"", true),
            ("\"B-5YM51074LT954623G\"", false),
            ("\"i-bw452gllep1g\"", false),
            ("7", false),
        ] {
            let read = sale(&format!(r#","billing_agreement_id":{agreement}"#));
            assert_eq!(read.subscription_id().is_some(), subscription, "{agreement}");
        }
        assert_eq!(sale(r#","billing_agreement_id":"""#).billing_agreement_id, None);
    }
}
