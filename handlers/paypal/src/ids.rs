//! Ids of PayPal's things, each checked when it is made: they become parts of addresses.

use serde::{Deserialize, Serialize};

/// Why a text is not an id of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(pub(crate) &'static str);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// When the text does not have the form of such an id.
            pub fn parse(text: &str) -> Result<Self, $crate::InvalidId> {
                let rule: fn(&str) -> bool = $rule;
                if rule(text) { Ok(Self(text.to_owned())) } else { Err($crate::ids::InvalidId($what)) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidId;

            fn try_from(text: String) -> Result<Self, $crate::InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}
pub(crate) use id;

/// Letters, digits and hyphens only: such a text cannot change the meaning of an address.
pub(crate) fn plain(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

id! {
    /// A billing plan's id, 3 to 50 characters, such as `P-5ML4271244454362WXNWU5NQ`.
    PlanId, "a plan's id", |text| plain(text, 3, 50)
}
id! {
    /// A subscription's id, at most 50 characters, such as `I-BW452GLLEP1G`.
    SubscriptionId, "a subscription's id", |text| plain(text, 3, 50) && text.starts_with("I-")
}
id! {
    /// A sale's id, such as `80021663DE681814L`.
    SaleId, "a sale's id", |text| plain(text, 1, 50)
}
id! {
    /// By what PayPal knows a repeated request: `PayPal-Request-Id`, at most 108 characters.
    ///
    /// Source: <https://developer.paypal.com/api/rest/requests/#http-request-headers>
    RequestId, "a request's id", |text| plain(text, 1, 108)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_change_an_address() {
        assert!(SubscriptionId::parse("I-BW452GLLEP1G").is_ok());
        for wrong in ["", "I", "P-123", "I-../..", "I-a/b", "I-a?b", "I-a%2f", "I-é", &format!("I-{}", "A".repeat(49))]
        {
            assert!(SubscriptionId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
