//! The headers of a webhook.

use std::fmt;

/// The signature headers of a webhook, exactly one value each.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmission {
    /// `PAYPAL-TRANSMISSION-ID`, at most 50 characters.
    pub id: String,
    /// `PAYPAL-TRANSMISSION-TIME`, as PayPal wrote it.
    pub time: String,
    /// `PAYPAL-TRANSMISSION-SIG`, base64.
    pub signature: String,
    /// `PAYPAL-CERT-URL`, not signed.
    pub cert_url: String,
    /// `PAYPAL-AUTH-ALGO`, not signed.
    pub auth_algo: String,
}

/// Why the headers are not those of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A header is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A header is there more than once.
    #[error("{0} is there more than once")]
    Doubled(&'static str),
    /// A header's value cannot be PayPal's.
    #[error("{0} is empty, too long, or holds characters that PayPal does not send")]
    Value(&'static str),
}

/// The headers and how long their values may be; the lengths are those of `verify-webhook-signature`.
const HEADERS: [(&str, usize); 5] = [
    ("PAYPAL-TRANSMISSION-ID", 50),
    ("PAYPAL-TRANSMISSION-TIME", 100),
    ("PAYPAL-TRANSMISSION-SIG", 500),
    ("PAYPAL-CERT-URL", 500),
    ("PAYPAL-AUTH-ALGO", 100),
];

impl Transmission {
    /// Reads the headers, whatever the case of their names.
    ///
    /// # Errors
    /// When a header is missing, doubled (also as one value joined by commas), too long, or not printable ASCII.
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, HeaderError> {
        let mut found: [Option<&str>; 5] = [None; 5];
        for (name, value) in headers {
            for (slot, (wanted, _)) in found.iter_mut().zip(HEADERS) {
                if name.eq_ignore_ascii_case(wanted) && slot.replace(value).is_some() {
                    return Err(HeaderError::Doubled(wanted));
                }
            }
        }
        for (value, (name, longest)) in found.iter().zip(HEADERS) {
            let value = value.ok_or(HeaderError::Missing(name))?;
            if value.contains(',') {
                return Err(HeaderError::Doubled(name));
            }
            let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
            if value.is_empty() || value.len() > longest || !printable {
                return Err(HeaderError::Value(name));
            }
        }
        let [id, time, signature, cert_url, auth_algo] = found.map(|value| value.unwrap_or_default().to_owned());
        Ok(Self { id, time, signature, cert_url, auth_algo })
    }
}

impl fmt::Debug for Transmission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, time, .. } = self;
        write!(out, "Transmission {{ id: {id:?}, time: {time:?}, .. }}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers() -> Vec<(&'static str, &'static str)> {
        vec![
            ("Paypal-Transmission-Id", "id"),
            ("paypal-transmission-time", "2026-11-01T00:00:00Z"),
            ("PAYPAL-TRANSMISSION-SIG", "c2ln"),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1"),
            ("paypal-auth-algo", "SHA256withRSA"),
            ("host", "example.com"),
        ]
    }

    #[test]
    fn names_in_any_case_are_read() {
        assert_eq!(Transmission::from_headers(headers()).unwrap().id, "id");
    }

    #[test]
    fn a_missing_doubled_or_strange_header_is_named() {
        for at in 0..5 {
            let mut missing = headers();
            missing.remove(at);
            assert_eq!(Transmission::from_headers(missing), Err(HeaderError::Missing(HEADERS[at].0)));
            let mut doubled = headers();
            doubled.push(headers()[at]);
            assert_eq!(Transmission::from_headers(doubled), Err(HeaderError::Doubled(HEADERS[at].0)));
            for (strange, error) in [
                ("a,b", HeaderError::Doubled(HEADERS[at].0)),
                ("", HeaderError::Value(HEADERS[at].0)),
                ("a\r\nb", HeaderError::Value(HEADERS[at].0)),
                ("é", HeaderError::Value(HEADERS[at].0)),
            ] {
                let mut wrong = headers();
                wrong[at].1 = strange;
                assert_eq!(Transmission::from_headers(wrong), Err(error));
            }
        }
    }

    #[test]
    fn the_signature_is_not_printed() {
        assert!(!format!("{:?}", Transmission::from_headers(headers()).unwrap()).contains("c2ln"));
    }

    proptest! {
        #[test]
        fn no_headers_panic(all in proptest::collection::vec((".{0,30}", ".{0,600}"), 0..8)) {
            let _ = Transmission::from_headers(all.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
    }
}
