//! Endpoints of subscriptions by their address.

use url::{Host, Url};
use uuid::Uuid;

/// Whether an endpoint is one of this machine that messages can be sent to.
pub(super) fn is_here(protocol: &str, endpoint: &str) -> bool {
    let host = Url::parse(endpoint).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    protocol == "http"
        && host.is_some_and(|host| match host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        })
}

/// What an endpoint has to send back.
pub(super) fn token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_to_this_machine_is_here() {
        for endpoint in ["http://127.0.0.1:5000/x", "http://localhost/", "http://[::1]:80", "http://127.1.2.3"] {
            assert!(is_here("http", endpoint), "{endpoint}");
        }
        for endpoint in ["http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "localhost:1"] {
            assert!(!is_here("http", endpoint), "{endpoint}");
        }
        assert!(!is_here("https", "https://127.0.0.1/"));
    }
}
