//! Payload format 2.0.

use std::collections::BTreeMap;

use axum::{body::Body, http::header, response::Response};
use serde_json::{Map, Value, json};

use super::{Parts, body_text, came_at, finished, header_text, query, status, with_header};

/// The event that a function gets. What is empty is absent.
pub(super) fn event(request: &Parts<'_>) -> Value {
    let Parts { api, account, known, parts, path, parameters, body, .. } = request;
    let (cookies, headers): (Vec<_>, Vec<_>) =
        super::headers(request).into_iter().partition(|(name, _)| name == "cookie");
    let headers = joined(headers);
    let cookies = cookies.iter().flat_map(|(_, line)| line.split(';')).map(str::trim);
    let cookies: Vec<_> = cookies.filter(|cookie| !cookie.is_empty()).collect();
    let host = headers.get("host").cloned().unwrap_or_default();
    let (time, epoch) = came_at();
    let mut event = Map::from_iter([
        ("version".to_owned(), json!("2.0")),
        ("routeKey".to_owned(), json!(known.route_key)),
        ("rawPath".to_owned(), json!(path)),
        ("rawQueryString".to_owned(), json!(parts.uri.query().unwrap_or_default())),
    ]);
    let mut set = |key: &str, value: Value, present: bool| {
        if present {
            event.insert(key.to_owned(), value);
        }
    };
    set("cookies", json!(cookies), !cookies.is_empty());
    let query = joined(query(request));
    set("headers", json!(headers), true);
    set("queryStringParameters", json!(query), !query.is_empty());
    set(
        "requestContext",
        json!({
            "accountId": account.id,
            "apiId": api.id,
            "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": known.source_ip,
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": known.id,
            "routeKey": known.route_key,
            "stage": api.stage,
            "time": time,
            "timeEpoch": epoch,
        }),
        true,
    );
    set("pathParameters", json!(parameters), !parameters.is_empty());
    let (text, is_base64) = body_text(parts, body);
    set("body", json!(text), !body.is_empty());
    set("isBase64Encoded", json!(is_base64), true);
    set("stageVariables", json!(api.stage_variables), !api.stage_variables.is_empty());
    Value::Object(event)
}

/// Repeated values are joined by commas.
fn joined(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in pairs {
        all.entry(name).and_modify(|known| *known = format!("{known},{value}")).or_insert(value);
    }
    all
}

/// The response that a function's answer means; nothing when it means none.
pub(super) fn response(answer: &[u8]) -> Option<Response> {
    let answer: Value = if answer.is_empty() { Value::Null } else { serde_json::from_slice(answer).ok()? };
    if answer.get("statusCode").is_none() {
        return inferred(&answer);
    }
    let mut response = Response::builder().status(status(&answer)?);
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        response = with_header(response, name, &header_text(value))?;
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        response = with_header(response, header::SET_COOKIE.as_str(), cookie.as_str()?)?;
    }
    finished(response, &answer)
}

/// Without a status code the answer itself is the body.
fn inferred(answer: &Value) -> Option<Response> {
    let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Response::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from(text)).ok()
}
