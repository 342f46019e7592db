//! Money: a decimal number with its currency, never a float.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::InvalidId;

/// Currencies that PayPal takes without a fraction.
///
/// Source: <https://developer.paypal.com/api/rest/reference/currency-codes/>
const WITHOUT_FRACTION: [&str; 3] = ["HUF", "JPY", "TWD"];

/// A currency: three capital letters, as in ISO 4217.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl Currency {
    /// Reads a currency's code.
    ///
    /// # Errors
    /// When the text is not three capital letters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidId("a currency's code")) }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

/// An amount of money. Two amounts are equal when they are worth the same: `11.0` is `11.00`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Money {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// PayPal writes amounts as `{currency_code, value}`, and those of sales as `{currency, total}`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Current { currency_code: Currency, value: Decimal },
    Sale { currency: Currency, total: Decimal },
}

impl From<Wire> for Money {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Current { currency_code: currency, value } | Wire::Sale { currency, total: value } => {
                Self { value, currency }
            }
        }
    }
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Current<'a> {
            currency_code: &'a str,
            value: String,
        }
        Current { currency_code: self.currency.as_str(), value: self.amount() }.serialize(serializer)
    }
}

impl Money {
    /// Whether PayPal takes amounts of this currency with two digits after the point.
    #[must_use]
    pub fn has_fraction(&self) -> bool {
        !WITHOUT_FRACTION.contains(&self.currency.as_str())
    }

    /// The number as PayPal takes it: two digits after the point, or none where the currency has none.
    #[must_use]
    pub fn amount(&self) -> String {
        let digits = if self.has_fraction() { 2 } else { 0 };
        let mut value = self.value.round_dp(digits);
        value.rescale(digits);
        value.to_string()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.amount(), self.currency.as_str())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    fn read(json: &str) -> Money {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn both_of_paypals_shapes_mean_the_same() {
        let current = read(r#"{"currency_code":"USD","value":"11.0"}"#);
        assert_eq!(current, read(r#"{"total":"11.00","currency":"USD","details":{}}"#));
        assert_ne!(current, read(r#"{"total":"11.00","currency":"EUR"}"#));
        assert_eq!(serde_json::to_string(&current).unwrap(), r#"{"currency_code":"USD","value":"11.00"}"#);
    }

    #[test]
    fn yen_have_no_fraction() {
        assert_eq!(read(r#"{"currency_code":"JPY","value":"1200.00"}"#).amount(), "1200");
    }

    #[test]
    fn what_is_no_money_is_refused() {
        for wrong in
            [r#"{"currency_code":"usd","value":"1"}"#, r#"{"currency_code":"USD","value":"x"}"#, r#"{"value":"1"}"#]
        {
            assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
        }
    }
}
