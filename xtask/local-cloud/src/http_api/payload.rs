//! Requests as functions get them, and functions' answers as responses, in the payload format of the integration.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod version_1;
mod version_2;

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header, request, response},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::Value;

use super::{HttpApi, Known, RouteKey};
use crate::{account::Account, record::XRAY};

/// How an integration writes requests and reads answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadFormat {
    /// As REST APIs do.
    Version1,
    /// HTTP APIs' own.
    Version2,
}

impl PayloadFormat {
    /// The format of this `PayloadFormatVersion`; nothing when there is none.
    #[must_use]
    pub fn parse(version: &str) -> Option<Self> {
        match version {
            "1.0" => Some(Self::Version1),
            "2.0" => Some(Self::Version2),
            _ => None,
        }
    }

    /// The event that a function gets of a request.
    pub(super) fn event(self, request: &Parts<'_>) -> Value {
        match self {
            Self::Version1 => version_1::event(request),
            Self::Version2 => version_2::event(request),
        }
    }

    /// The response that a function's answer means; nothing when it means none.
    pub(super) fn response(self, answer: &[u8]) -> Option<Response> {
        match self {
            Self::Version1 => version_1::response(answer),
            Self::Version2 => version_2::response(answer),
        }
    }
}

/// A request, in its parts.
pub(super) struct Parts<'a> {
    pub(super) api: &'a HttpApi,
    pub(super) account: &'a Account,
    pub(super) known: &'a Known,
    pub(super) route: &'a RouteKey,
    pub(super) parts: &'a request::Parts,
    /// Decoded.
    pub(super) path: &'a str,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) body: &'a [u8],
}

/// A path with its `%xx` decoded, as API Gateway matches and hands over.
pub(super) fn decoded_path(path: &str) -> String {
    // `form_urlencoded` would turn plus signs into blanks, which in a path they are not.
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let decoded = (*byte == b'%').then(|| behind.get(..2)).flatten().and_then(|digits| {
            let digits =
                std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|each| each.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All headers in their order, names in lower case, with what API Gateway's front adds to them.
fn headers(request: &Parts<'_>) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = request.parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let ours = ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"];
    let mut headers: Vec<_> = all.filter(|(name, _)| !ours.contains(&name.as_str())).collect();
    let host = last(&headers, "host");
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port).to_owned();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
    add("x-forwarded-for", request.known.source_ip.clone());
    add("x-forwarded-port", port);
    add("x-forwarded-proto", "http".to_owned());
    if !request.parts.headers.contains_key(XRAY) {
        add(XRAY, request.known.trace.span.root());
    }
    headers
}

/// The last value of a name, empty when there is none.
fn last(pairs: &[(String, String)], name: &str) -> String {
    pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The parameters of the query, decoded, in their order.
fn query(request: &Parts<'_>) -> Vec<(String, String)> {
    let raw = request.parts.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(raw.as_bytes()).into_owned().collect()
}

/// When the request came: as logs write it, and in milliseconds since the epoch.
fn came_at() -> (String, i64) {
    let now = Timestamp::now();
    (now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(), now.as_millisecond())
}

/// The body as text where its type says that it is, otherwise as base64.
fn body_text(parts: &request::Parts, body: &[u8]) -> (String, bool) {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

/// The status of an answer that has one.
fn status(answer: &Value) -> Option<StatusCode> {
    let status = answer.get("statusCode")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    StatusCode::from_u16(u16::try_from(status).ok()?).ok()
}

/// A header's value, as text.
fn header_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A header of the answer; nothing when it can be none.
fn with_header(response: response::Builder, name: &str, value: &str) -> Option<response::Builder> {
    Some(response.header(name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
}

/// The response with the answer's body, and with the type of JSON where it says none.
fn finished(response: response::Builder, answer: &Value) -> Option<Response> {
    let text = match answer.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    let body = if answer.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        STANDARD.decode(text).ok()?
    } else {
        text.as_bytes().to_vec()
    };
    let mut response = response.body(Body::from(body)).ok()?;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().entry(header::CONTENT_TYPE).or_insert(json);
    Some(response)
}

#[cfg(test)]
mod tests;
