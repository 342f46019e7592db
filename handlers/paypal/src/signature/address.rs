//! Where a certificate may be fetched from: the address comes from outside and is not signed.

use std::fmt;

use url::{Host, Url};

use super::Reason;

/// The path of PayPal's certificates, with the certificate's id behind it.
const PATH: &str = "/v1/notifications/certs/CERT-";
/// The longest id of a certificate, in characters; PayPal's have some 30.
const LONGEST_ID: usize = 100;

/// Scheme and host that certificates may come from, such as `https://api.paypal.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is not an origin to trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin: use https://HOST, or http://127.0.0.1:PORT on one machine")]
pub struct InvalidOrigin(String);

impl Origin {
    /// Reads an origin: `https` and a host, or `http` and this machine.
    ///
    /// # Errors
    /// When there is more than scheme, host and port, or the scheme is not safe for the host.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(invalid()),
        };
        let safe = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let origin = url.origin().ascii_serialization();
        if safe && origin == text { Ok(Self(origin)) } else { Err(invalid()) }
    }
}

/// An address that may be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateAddress(String);

impl CertificateAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Lets an address through that is exactly an origin, the path of PayPal's certificates, and an id of letters, digits and
/// hyphens.
///
/// The text is compared, not a parsed URL: what is fetched is what was looked at, and no reading of odd URLs (user names,
/// ports, dots, escapes, backslashes) can differ between the two.
///
/// # Errors
/// [`Reason::Address`] for every other text.
pub fn address(url: &str, origins: &[Origin]) -> Result<CertificateAddress, Reason> {
    let rest = origins.iter().find_map(|origin| url.strip_prefix(origin.0.as_str())?.strip_prefix(PATH));
    let id = rest.ok_or(Reason::Address)?;
    let fits =
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits { Ok(CertificateAddress(url.to_owned())) } else { Err(Reason::Address) }
}

/// Returns true if an address is on a host of PayPal's, with any path: PayPal can then be asked by postback. Nothing is
/// fetched from it.
///
/// PayPal's certificates have always been on `paypal.com`. A delivery that names any other host is not PayPal's.
#[must_use]
pub fn is_paypals(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https" && (host == "paypal.com" || host.ends_with(".paypal.com"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins() -> Vec<Origin> {
        ["https://api.paypal.com", "https://api-m.sandbox.paypal.com"]
            .map(|origin| Origin::parse(origin).unwrap())
            .into()
    }

    #[test]
    fn paypals_own_addresses_pass() {
        for url in [
            "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb",
            "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        ] {
            assert!(address(url, &origins()).is_ok(), "{url}");
        }
    }

    #[test]
    fn tricks_do_not() {
        for url in [
            "",
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            "https://user:pw@api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "https://evilpaypal.com/v1/notifications/certs/CERT-1",
            "https://www.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com./v1/notifications/certs/CERT-1",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
            "https://xn--paypal-9d0b.com/v1/notifications/certs/CERT-1",
            "https://127.0.0.1/v1/notifications/certs/CERT-1",
            "https://169.254.169.254/v1/notifications/certs/CERT-1",
            "https://2130706433/v1/notifications/certs/CERT-1",
            "https://0177.0.0.1/v1/notifications/certs/CERT-1",
            "https://[::1]/v1/notifications/certs/CERT-1",
            "https:\\\\api.paypal.com\\v1\\notifications\\certs\\CERT-1",
            "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/CERT-",
            "https://api.paypal.com/v1/notifications/certs/cert-1",
            "https://api.paypal.com/v1/notifications/certs/CERT-1/../../x",
            "https://api.paypal.com/v1/notifications/certs/CERT-%2e%2e",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
            "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: evil",
            "https://api.paypal.com/v1/oauth2/token",
            "file:///v1/notifications/certs/CERT-1",
        ] {
            assert_eq!(address(url, &origins()), Err(Reason::Address), "{url}");
        }
        assert!(address("https://api.paypal.com/v1/notifications/certs/CERT-1", &[]).is_err());
    }

    #[test]
    fn hosts_of_paypals_are_told_from_others() {
        for fine in ["https://api-m.paypal.com/v2/certs/1", "https://certs.eu.paypal.com/x", "https://paypal.com"] {
            assert!(is_paypals(fine), "{fine}");
        }
        for wrong in [
            "http://api.paypal.com/x",
            "https://evilpaypal.com/x",
            "https://paypal.com.evil.example/x",
            "https://api.paypal.com@evil.example/x",
            "https://evil.example/api.paypal.com",
            "https://169.254.169.254/x",
            "x",
        ] {
            assert!(!is_paypals(wrong), "{wrong}");
        }
    }

    #[test]
    fn origins_are_scheme_and_host_and_safe() {
        for fine in ["https://api.paypal.com", "http://127.0.0.1:3002", "http://localhost:1"] {
            assert!(Origin::parse(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "api.paypal.com",
            "http://api.paypal.com",
            "https://api.paypal.com/",
            "https://a@b.c",
            "ftp://x",
            "https://",
        ] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn only_the_exact_form_passes(url in ".{0,200}") {
            prop_assert!(address(&url, &origins()).is_err());
        }

        #[test]
        fn what_passes_stays_on_its_host(id in "[ -~]{1,40}") {
            let url = format!("https://api.paypal.com/v1/notifications/certs/CERT-{id}");
            if let Ok(address) = address(&url, &origins()) {
                let parsed = Url::parse(address.as_str()).unwrap();
                prop_assert_eq!(parsed.host_str(), Some("api.paypal.com"));
                prop_assert_eq!(parsed.path(), url.strip_prefix("https://api.paypal.com").unwrap());
            }
        }
    }
}
