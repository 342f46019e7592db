//! Requests as functions get them, and functions' answers as responses, in the payload format of the integration.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod version_1;
mod version_2;

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, Version, header, request, response},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::Offset};
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

    /// The event that a function gets of a request, as JSON.
    pub(super) fn event(self, request: &Parts<'_>) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Version1 => Ok(version_1::event(request).to_string().into_bytes()),
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
    pub(super) parameters: &'a BTreeMap<String, String>,
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

/// A name and a value, taken from the request where they stand in it as functions get them.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// All headers in their order, names in lower case, with what API Gateway's front adds to them.
fn headers<'a>(request: &Parts<'a>) -> Vec<Pair<'a>> {
    let Parts { parts, known, .. } = *request;
    let ours = ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"];
    let mut headers = Vec::with_capacity(parts.headers.len() + ours.len() + 1);
    let theirs = parts.headers.iter().filter(|(name, _)| !ours.contains(&name.as_str()));
    headers.extend(theirs.map(|(name, value)| (name.as_str().into(), String::from_utf8_lossy(value.as_bytes()))));
    let host = parts.headers.get_all(header::HOST).iter().next_back().and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port);
    let [address, port_name, protocol] = ours;
    headers.push((address.into(), known.source_ip.as_str().into()));
    headers.push((port_name.into(), port.into()));
    headers.push((protocol.into(), "http".into()));
    if !parts.headers.contains_key(XRAY) {
        headers.push((XRAY.into(), known.trace.span.root().into()));
    }
    headers
}

/// The last value of a name, empty when there is none.
fn last<'p>(pairs: &'p [Pair<'_>], name: &str) -> &'p str {
    pairs.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// The parameters of the query, decoded, in their order.
fn query<'a>(request: &Parts<'a>) -> Vec<Pair<'a>> {
    let raw = request.parts.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(raw.as_bytes()).collect()
}

/// The protocol's name: nothing but these two is served here.
pub(super) fn protocol(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

/// A moment as access logs write it.
pub(super) fn log_time(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = Offset::UTC.to_datetime(at);
    // Every request has one, and what reads a format at run time takes ten times as long.
    let month = usize::try_from(time.month() - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    let (day, year, hour, minute, second) = (time.day(), time.year(), time.hour(), time.minute(), time.second());
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// The body as text where its type says that it is, otherwise as base64.
fn body_text<'a>(parts: &request::Parts, body: &'a [u8]) -> (Cow<'a, str>, bool) {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.into(), false),
        _ => (STANDARD.encode(body).into(), true),
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
