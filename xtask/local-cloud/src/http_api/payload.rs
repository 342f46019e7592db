//! Requests as functions get them, and functions' answers as responses: payload format 2.0.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::{collections::BTreeMap, time::SystemTime};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header, request},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Known;
use crate::account::Account;

/// A request, in its parts.
pub(super) struct Parts<'a> {
    pub(super) api_id: &'a str,
    pub(super) account: &'a Account,
    pub(super) known: &'a Known,
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

/// The event that a function gets. What is empty is absent.
pub(super) fn event(request: &Parts<'_>) -> Value {
    let Parts { api_id, account, known, parts, path, parameters, body } = request;
    let raw_query = parts.uri.query().unwrap_or_default();
    let (headers, cookies) = headers(parts, &known.source_ip);
    let host = headers.get("host").cloned().unwrap_or_default();
    let user_agent = headers.get("user-agent").cloned().unwrap_or_default();
    let now = Timestamp::now();
    let clock = now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
    let mut event = Map::from_iter([
        ("version".to_owned(), json!("2.0")),
        ("routeKey".to_owned(), json!(known.route_key)),
        ("rawPath".to_owned(), json!(path)),
        ("rawQueryString".to_owned(), json!(raw_query)),
    ]);
    let mut set = |key: &str, value: Value, present: bool| {
        if present {
            event.insert(key.to_owned(), value);
        }
    };
    set("cookies", json!(cookies), !cookies.is_empty());
    let query = joined(url::form_urlencoded::parse(raw_query.as_bytes()).into_owned());
    set("headers", json!(headers), true);
    set("queryStringParameters", json!(query), !query.is_empty());
    set(
        "requestContext",
        json!({
            "accountId": account.id,
            "apiId": api_id,
            "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": known.source_ip,
                "userAgent": user_agent,
            },
            "requestId": known.id,
            "routeKey": known.route_key,
            "stage": "$default",
            "time": clock,
            "timeEpoch": now.as_millisecond(),
        }),
        true,
    );
    set("pathParameters", json!(parameters), !parameters.is_empty());
    let (text, is_base64) = body_text(parts, body);
    set("body", json!(text), !body.is_empty());
    set("isBase64Encoded", json!(is_base64), true);
    Value::Object(event)
}

/// Headers with names in lower case and repeated values joined by commas, as API Gateway's front adds to them; and cookies.
fn headers(parts: &request::Parts, source_ip: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = parts.headers.iter().filter(|(name, _)| **name != header::COOKIE);
    let mut headers = joined(all.map(|(name, value)| (name.as_str().to_owned(), text(value))));
    headers.insert("x-forwarded-for".to_owned(), source_ip.to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    let port = headers.get("host").and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port).to_owned();
    headers.insert("x-forwarded-port".to_owned(), port);
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let hex = uuid::Uuid::new_v4().simple().to_string();
    let root = format!("Root=1-{seconds:08x}-{}", hex.get(..24).unwrap_or_default());
    headers.entry("x-amzn-trace-id".to_owned()).or_insert(root);
    let cookies = parts.headers.get_all(header::COOKIE).iter().map(text);
    let cookies = cookies.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>());
    (headers, cookies.filter(|cookie| !cookie.is_empty()).collect())
}

fn joined(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in pairs {
        all.entry(name).and_modify(|known| *known = format!("{known},{value}")).or_insert(value);
    }
    all
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

/// The response that a function's answer means; nothing when it means none.
pub(super) fn response(answer: &[u8]) -> Option<Response> {
    let answer: Value = if answer.is_empty() { Value::Null } else { serde_json::from_slice(answer).ok()? };
    let Some(status) = answer.get("statusCode") else { return inferred(&answer) };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let text = match answer.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return None,
    };
    let body = if answer.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        STANDARD.decode(text).ok()?
    } else {
        text.into_bytes()
    };
    let mut response = Response::builder().status(status);
    let empty = Map::new();
    for (name, value) in answer.get("headers").and_then(Value::as_object).unwrap_or(&empty) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        response = response.header(name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?);
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        response = response.header(header::SET_COOKIE, cookie.as_str()?.parse::<HeaderValue>().ok()?);
    }
    let mut response = response.body(Body::from(body)).ok()?;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().entry(header::CONTENT_TYPE).or_insert(json);
    Some(response)
}

/// Without a status code the answer itself is the body.
fn inferred(answer: &Value) -> Option<Response> {
    let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Response::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from(text)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn of(request: request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let account =
            Account { id: "0".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://127.0.0.1:1".to_owned() };
        let known = Known {
            id: "id=".to_owned(),
            route_key: "ANY /{proxy+}".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
            since: Instant::now(),
            number: 1,
            came: None,
        };
        let path = decoded_path(parts.uri.path());
        let parameters = BTreeMap::from([("proxy".to_owned(), "a".to_owned())]);
        event(&Parts { api_id: "api", account: &account, known: &known, parts: &parts, path: &path, parameters, body })
    }

    #[test]
    fn repeated_values_are_joined_cookies_apart_and_what_is_empty_absent() {
        let request = request::Request::post("/items/a%20b%2Fc?x=1&x=2&y=%26")
            .header("X-Multi", "a")
            .header("x-multi", "b")
            .header("Cookie", "c=1; d=2")
            .header("Host", "h:80");
        let event = of(request, b"");
        assert_eq!(event["headers"]["x-multi"], "a,b");
        assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
        assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "&"}));
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/items/a b/c"), &json!("x=1&x=2&y=%26")));
        assert!(event.get("body").is_none() && event["headers"].get("cookie").is_none());
        let bare = of(request::Request::get("/"), b"");
        assert!(bare.get("cookies").is_none() && bare.get("queryStringParameters").is_none());
        assert!(bare["requestContext"]["timeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
    }

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        let body = |kind: &str, bytes: &[u8]| {
            let event = of(request::Request::post("/").header("Content-Type", kind), bytes);
            (event["body"].as_str().unwrap().to_owned(), event["isBase64Encoded"] == true)
        };
        assert_eq!(body("application/json; charset=utf-8", "é".as_bytes()), ("é".to_owned(), false));
        assert_eq!(body("application/json", &[0xff]), ("/w==".to_owned(), true));
        assert_eq!(body("application/octet-stream", b"a"), ("YQ==".to_owned(), true));
        assert_eq!(body("application/x-www-form-urlencoded", b"a=1"), ("YT0x".to_owned(), true));
    }

    #[test]
    fn answers_become_responses_as_api_gateway_reads_them() {
        let of = |answer: &str| response(answer.as_bytes()).map(|response| response.status().as_u16());
        for fine in
            ["\"text\"", "{\"a\":1}", "", "null", "{\"statusCode\":200}", "{\"statusCode\":\"200\",\"body\":\"x\"}"]
        {
            assert_eq!(of(fine), Some(200), "{fine}");
        }
        for wrong in [
            "no json",
            "{\"statusCode\":1}",
            "{\"statusCode\":200,\"body\":{}}",
            "{\"statusCode\":200,\"headers\":{\"a b\":\"c\"}}",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let response =
            response(br#"{"statusCode":201,"cookies":["a=1","b=2"],"body":"AP8=","isBase64Encoded":true}"#).unwrap();
        assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    }
}
