//! Cross-origin requests, as the API's own configuration allows them.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Which pages of other origins may call the API, and how.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins as `https://shop.example.com`, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Headers that a page may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies may come along.
    pub allow_credentials: bool,
    /// How long a browser may remember the answer, in seconds.
    pub max_age: Option<u64>,
}

const ALL: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_MAX_AGE,
];

impl Cors {
    /// Whether pages of this origin may call it.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.allow_origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }

    /// The answer to a browser that asks first; the function does not see such a request.
    pub(super) fn preflight(&self, request: &Request<Body>) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ORIGIN)
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| StatusCode::NO_CONTENT.into_response())
    }

    /// Sets the headers of an answer. Those that the function set itself are dropped.
    pub(super) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        for name in ALL {
            headers.remove(name);
        }
        let Some(origin) = origin.and_then(|origin| origin.to_str().ok()) else { return };
        if !self.allows(origin) {
            return;
        }
        let any = self.allow_origins.iter().any(|allowed| allowed == "*");
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        };
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, if any { "*".to_owned() } else { origin.to_owned() });
        set(header::ACCESS_CONTROL_ALLOW_METHODS, self.allow_methods.join(","));
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, self.allow_headers.join(","));
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, self.expose_headers.join(","));
        if self.allow_credentials {
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned());
        }
        if let Some(seconds) = self.max_age {
            set(header::ACCESS_CONTROL_MAX_AGE, seconds.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_allowed_origin_is_answered_and_the_functions_own_headers_are_dropped() {
        let cors = Cors { allow_origins: vec!["https://shop.example.com".to_owned()], ..Cors::default() };
        let of = |origin: &'static str| {
            let mut headers =
                HeaderMap::from_iter([(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))]);
            cors.apply(Some(&HeaderValue::from_static(origin)), &mut headers);
            headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(of("https://shop.example.com").as_deref(), Some("https://shop.example.com"));
        assert_eq!(of("https://evil.example.com"), None);
    }
}
