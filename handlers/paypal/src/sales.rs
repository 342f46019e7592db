//! Sales: payments of subscriptions, and others.
//!
//! Source: <https://developer.paypal.com/docs/api/payments/v1/#sale>

use serde::Deserialize;

use crate::{Client, Deadline, Error, Money, SaleId, SubscriptionId, client::Call};

/// A sale, as PayPal reports it or an event tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Sale {
    /// Its id.
    pub id: SaleId,
    /// `completed`, `partially_refunded`, `pending`, `refunded` or `denied`.
    #[serde(default)]
    pub state: String,
    /// What was paid.
    pub amount: Money,
    /// The subscription that was paid for; other payments have none.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub billing_agreement_id: Option<SubscriptionId>,
    /// When it was made, RFC 3339.
    #[serde(default)]
    pub create_time: String,
    /// `HELD` while PayPal holds the money back.
    #[serde(default)]
    pub payment_hold_status: Option<String>,
}

impl Sale {
    /// Whether it waits for something other than PayPal's decision to hold it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.state.eq_ignore_ascii_case("pending") && self.payment_hold_status.as_deref() != Some("HELD")
    }

    /// Whether the money is there.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state.eq_ignore_ascii_case("completed") && self.payment_hold_status.as_deref() != Some("HELD")
    }
}

impl Sale {
    /// The day it was made on, `YYYY-MM-DD`, where PayPal says so: its webhooks simulator has days that no calendar has.
    #[must_use]
    pub fn date(&self) -> Option<String> {
        let day = self.create_time.get(..10)?.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_string())
    }
}

impl Client {
    /// A sale as it is now.
    ///
    /// # Errors
    /// When PayPal does not know it, or does not answer.
    pub async fn sale(&self, id: &SaleId, deadline: Deadline) -> Result<Sale, Error> {
        self.call(&Call::get("show sale", format!("/v1/payments/sale/{id}")), deadline).await
    }
}

fn empty_is_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SubscriptionId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| SubscriptionId::parse(&text).map_err(serde::de::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::Sale;

    #[test]
    fn a_day_is_a_day_of_the_calendar_or_none() {
        let date = |time: &str| {
            let json = format!(r#"{{"id":"1AB","amount":{{"total":"1.00","currency":"USD"}},"create_time":"{time}"}}"#);
            serde_json::from_str::<Sale>(&json).unwrap().date()
        };
        assert_eq!(date("2026-11-01T23:59:59Z").as_deref(), Some("2026-11-01"));
        for none in ["2018-19-12T22:20:32.000Z", "", "2026-02-30T00:00:00Z", "yesterday, at noon"] {
            assert_eq!(date(none), None, "{none}");
        }
    }
}
