//! Who may ask: programs of this machine, and pages of this machine, but no page of somebody else's in its browser.
//!
//! A page from anywhere can have a browser send requests here, either by this port's address or by a name of its own that
//! leads here. The second kind says so in `Host`, the first in `Origin` or, where a browser leaves that out, in
//! `Sec-Fetch-Site`. Programs send neither of the last two.
//!
//! Source: <https://www.w3.org/TR/fetch-metadata/>

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers requests of this machine's own, and refuses others.
pub(crate) async fn own_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        return next.run(request).await;
    }
    refusal()
}

/// Answers requests of this machine's own and whoever follows a link here, and refuses others. For ports where reading
/// changes nothing.
pub(crate) async fn own_or_followed(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let headers = request.headers();
    if is_own(headers) || (reads && is_addressed_here(headers) && is_followed(headers)) {
        return next.run(request).await;
    }
    refusal()
}

/// What strangers are told.
pub(crate) fn refusal() -> Response {
    (StatusCode::FORBIDDEN, "this is for programs and pages of this machine only\n").into_response()
}

/// Whether a request is one of this machine's own.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    let own = match text(headers, "origin") {
        Some(origin) => is_own_origin(origin),
        None => text(headers, "sec-fetch-site").is_none_or(|site| ["same-origin", "same-site", "none"].contains(&site)),
    };
    own && is_addressed_here(headers)
}

/// Whether a request names this machine as its host, which no page does that came under a name of its own.
pub(crate) fn is_addressed_here(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let only = hosts.next().filter(|_| hosts.next().is_none());
    only.and_then(|host| host.to_str().ok()).is_some_and(is_loopback)
}

/// Whether somebody goes to another page, by a link or an address bar: what the answer says is seen by nobody but them.
fn is_followed(headers: &HeaderMap) -> bool {
    let is = |name, wanted| text(headers, name) == Some(wanted);
    !headers.contains_key(header::ORIGIN) && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// Whether a page of this origin is one of this machine's; a page in a file has none.
pub(crate) fn is_own_origin(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    uri.and_then(|uri| uri.authority().map(|authority| is_loopback(authority.as_str()))).unwrap_or(false)
}

/// A header's value; one that is no text is none that anybody expects.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a host, with or without its port, is this machine under a name that nobody else can have.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let below = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    ["127.0.0.1", "localhost", "[::1]"].contains(&name) || name.strip_suffix(".localhost").is_some_and(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn own(host: &str, origin: Option<&str>) -> bool {
        let origin = origin.map(|origin| ("origin", origin));
        is_own(&headers(&[("host", host)].into_iter().chain(origin).collect::<Vec<_>>()))
    }

    #[test]
    fn only_what_is_of_this_machine_may_ask() {
        for host in ["127.0.0.1:3001", "localhost", "[::1]:80", "abc.execute-api.localhost:4566"] {
            assert!(own(host, None), "{host}");
            assert!(own(host, Some("http://127.0.0.1:3001")), "{host}");
            assert!(!own(host, Some("https://evil.example")) && !own(host, Some("null")), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:3001",
            "localhost.evil.example",
            "localhost.",
            "evil.example/.localhost",
            "a@evil.example:80",
            "127.1",
            "0.0.0.0",
            "2130706433",
            "ⓛocalhost",
            "",
        ] {
            assert!(!own(host, None), "{host}");
        }
        assert!(!is_own(&HeaderMap::new()));
        assert!(!is_own(&headers(&[("host", "127.0.0.1"), ("host", "evil.example")])));
    }

    /// A picture, a script or a form that reads leaves `Origin` out.
    #[test]
    fn a_foreign_page_is_known_without_its_origin() {
        let from = |site: &str| headers(&[("host", "127.0.0.1:4566"), ("sec-fetch-site", site)]);
        assert!(["none", "same-origin", "same-site"].iter().all(|site| is_own(&from(site))));
        assert!(["cross-site", "", "else"].iter().all(|site| !is_own(&from(site))));
    }

    #[test]
    fn a_link_may_be_followed_and_a_frame_may_not_show_where_it_leads() {
        let going = |mode: &str, dest: &str| {
            is_followed(&headers(&[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ]))
        };
        assert!(going("navigate", "document"));
        assert!(!going("navigate", "iframe") && !going("no-cors", "image") && !going("cors", "empty"));
    }
}
