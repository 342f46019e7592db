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
    /// A subscription's id, at most 50 characters, such as `I-BW452GLLEP1G`. Other agreements have other forms: `B-...` is a
    /// reference transaction's, and capitals are part of the form.
    SubscriptionId, "a subscription's id", |text| {
        plain(text, 3, 50)
            && text.strip_prefix("I-").is_some_and(|rest| rest.bytes().all(|byte| !byte.is_ascii_lowercase()))
    }
}
id! {
    /// A sale's id, such as `80021663DE681814L`. PayPal documents neither its length nor its characters, so any text is one
    /// that fits an invoice's reference; [`SaleId::segment`] is how it stands in an address.
    SaleId, "a sale's id", |text| {
        (1..=120).contains(&text.chars().count())
            && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace())
            && text.bytes().any(|byte| byte != b'.')
    }
}

impl SaleId {
    /// The id as one segment of a path: what is neither letter, digit, hyphen nor underscore is percent-encoded.
    #[must_use]
    pub fn segment(&self) -> String {
        let encode = |byte: u8| match byte {
            b'-' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        self.as_str().bytes().map(encode).collect()
    }
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
    fn sale_id_is_one_segment_of_a_path_whatever_its_characters() {
        let segment = |text: &str| SaleId::parse(text).map(|id| id.segment());
        assert_eq!(segment("80021663DE681814L").as_deref(), Ok("80021663DE681814L"));
        assert_eq!(segment("a/../b?c#d%2e").as_deref(), Ok("a%2F%2E%2E%2Fb%3Fc%23d%252e"));
        assert_eq!(segment("Ä_1").as_deref(), Ok("%C3%84_1"));
        let longest = "A".repeat(120);
        assert_eq!(segment(&longest).as_ref(), Ok(&longest));
        for wrong in ["", ".", "..", "a b", "a\n", &"A".repeat(121)] {
            assert!(segment(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ids_cannot_change_an_address() {
        assert!(SubscriptionId::parse("I-BW452GLLEP1G").is_ok());
        for other in ["B-5YM51074LT954623G", "S-1AB", "i-bw452gllep1g", "I-bw452gllep1g"] {
            assert!(SubscriptionId::parse(other).is_err(), "{other}");
        }
        for wrong in ["", "I", "P-123", "I-../..", "I-a/b", "I-a?b", "I-a%2f", "I-é", &format!("I-{}", "A".repeat(49))]
        {
            assert!(SubscriptionId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
