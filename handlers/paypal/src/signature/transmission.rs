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
    /// A header does not exist, or is empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A header exists more than once.
    #[error("{0} exists more than once")]
    Doubled(&'static str),
}

/// The headers.
const HEADERS: [&str; 5] = [
    "PAYPAL-TRANSMISSION-ID",
    "PAYPAL-TRANSMISSION-TIME",
    "PAYPAL-TRANSMISSION-SIG",
    "PAYPAL-CERT-URL",
    "PAYPAL-AUTH-ALGO",
];

/// The longest values that `verify-webhook-signature` accepts, in characters. Its 500 for the signature fit keys of up to
/// 2,992 bits; a longer one is left to PayPal to decide, up to what a key of 8,192 bits makes.
const LONGEST_POSTBACK: [usize; 5] = [50, 100, 1400, 500, 100];

impl Transmission {
    /// Reads the headers, whatever the case of their names. Only their presence is checked: a value that looks unlike
    /// PayPal's today can be PayPal's tomorrow, and a webhook that is refused is lost after three days.
    ///
    /// # Errors
    /// When a header is missing or doubled (also as one value joined by commas): then it is not known which value is signed.
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, HeaderError> {
        let mut found: [Option<&str>; 5] = [None; 5];
        for (name, value) in headers {
            for (slot, wanted) in found.iter_mut().zip(HEADERS) {
                if name.eq_ignore_ascii_case(wanted) && slot.replace(value).is_some() {
                    return Err(HeaderError::Doubled(wanted));
                }
            }
        }
        let mut values = [(); 5].map(|()| String::new());
        for ((slot, value), name) in values.iter_mut().zip(found).zip(HEADERS) {
            let value = value.map(str::trim).filter(|value| !value.is_empty()).ok_or(HeaderError::Missing(name))?;
            if value.contains(',') {
                return Err(HeaderError::Doubled(name));
            }
            value.clone_into(slot);
        }
        let [id, time, signature, cert_url, auth_algo] = values;
        Ok(Self { id, time, signature, cert_url, auth_algo })
    }

    /// Returns true if the values have the form that PayPal's description of `verify-webhook-signature` asks for. PayPal refuses
    /// others without checking them, so it need not be asked.
    ///
    /// The patterns are `^(?!\d+$)\w+\S+` for the id and `^[a-zA-Z0-9]+$` for the algorithm.
    #[must_use]
    pub fn fits_postback(&self) -> bool {
        let Self { id, time, signature, cert_url, auth_algo } = self;
        let values = [id, time, signature, cert_url, auth_algo];
        let graphic = |value: &str| value.bytes().all(|byte| byte.is_ascii_graphic());
        let id_fits = id.len() >= 2
            && id.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && !id.bytes().all(|byte| byte.is_ascii_digit());
        values.iter().zip(LONGEST_POSTBACK).all(|(value, longest)| value.len() <= longest && graphic(value))
            && id_fits
            && auth_algo.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && url::Url::parse(cert_url).is_ok_and(|url| url.scheme() == "https" || url.scheme() == "http")
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
    fn a_missing_or_doubled_header_is_named() {
        for at in 0..5 {
            let mut missing = headers();
            missing.remove(at);
            assert_eq!(Transmission::from_headers(missing), Err(HeaderError::Missing(HEADERS[at])));
            let mut doubled = headers();
            doubled.push(headers()[at]);
            assert_eq!(Transmission::from_headers(doubled), Err(HeaderError::Doubled(HEADERS[at])));
            for (strange, error) in
                [("a,b", HeaderError::Doubled(HEADERS[at])), (" ", HeaderError::Missing(HEADERS[at]))]
            {
                let mut wrong = headers();
                wrong[at].1 = strange;
                assert_eq!(Transmission::from_headers(wrong), Err(error));
            }
        }
    }

    #[test]
    fn headers_that_look_unlike_paypals_today_are_read_and_only_not_posted_back() {
        let long = "A".repeat(5000);
        for (at, value) in
            [(2, long.as_str()), (0, long.as_str()), (0, "1234"), (0, "{}"), (4, "SHA-512"), (3, "é"), (3, "x")]
        {
            let mut strange = headers();
            strange[at].1 = value;
            let read = Transmission::from_headers(strange).unwrap();
            assert!(!read.fits_postback(), "{value}");
        }
        let mut longer = headers();
        let signature = "A".repeat(684);
        longer[2].1 = &signature;
        assert!(Transmission::from_headers(longer).unwrap().fits_postback());
        assert!(Transmission::from_headers(headers()).unwrap().fits_postback());
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
