//! Who may ask: programs of this machine, and pages of this machine, but no page of somebody else's in its browser.
//!
//! A page from anywhere can have a browser send requests here, either by this port's address or by a name of its own that
//! leads here. The first say so in `Origin`, the second in `Host`.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers requests of this machine's own, and refuses others.
pub(crate) async fn own_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "this is for programs and pages of this machine only\n").into_response()
}

/// Whether a request is one of this machine's own.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    text("host").is_some_and(is_loopback) && text("origin").is_none_or(is_own_origin)
}

/// Whether a page of this origin is one of this machine's; a page in a file has none.
fn is_own_origin(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    uri.and_then(|uri| uri.authority().map(|authority| is_loopback(authority.as_str()))).unwrap_or(false)
}

/// Whether a host, with or without its port, is this machine under a name that nobody else can have.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&name) || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        is_own(&headers)
    }

    #[test]
    fn only_what_is_of_this_machine_may_ask() {
        for host in ["127.0.0.1:3001", "localhost", "[::1]:80", "abc.execute-api.localhost:4566"] {
            assert!(own(host, None), "{host}");
            assert!(own(host, Some("http://127.0.0.1:3001")), "{host}");
            assert!(!own(host, Some("https://evil.example")) && !own(host, Some("null")), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:3001", "localhost.evil.example", ""] {
            assert!(!own(host, None), "{host}");
        }
        assert!(!is_own(&HeaderMap::new()));
    }
}
