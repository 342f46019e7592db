//! Payload format 2.0.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{body::Body, http::header, response::Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Pair, Parts, body_text, finished, header_text, log_time, protocol, query, status, with_header};

/// The event that a function gets. What is empty is absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<&'a str>,
    headers: &'a Joined<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: Joined<'a>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'a str,
    api_id: &'a str,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'a str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: &'a str,
    user_agent: &'a str,
}

/// Values by their names; of a name that is repeated, all of them with commas between.
type Joined<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// The event as JSON.
pub(super) fn event(request: &Parts<'_>) -> serde_json::Result<Vec<u8>> {
    let Parts { api, account, known, parts, path, parameters, body, .. } = *request;
    let (cookies, headers): (Vec<_>, Vec<_>) =
        super::headers(request).into_iter().partition(|(name, _)| name == "cookie");
    let cookies = cookies.iter().flat_map(|(_, line)| line.split(';')).map(str::trim);
    let headers = joined(headers);
    let header = |name: &str| headers.get(name).map_or("", |value| &**value);
    let (host, now, (text, is_base64_encoded)) = (header("host"), Timestamp::now(), body_text(parts, body));
    let http = Http {
        method: parts.method.as_str(),
        path,
        protocol: protocol(parts.version),
        source_ip: &known.source_ip,
        user_agent: header("user-agent"),
    };
    let event = Event {
        version: "2.0",
        route_key: &known.route_key,
        raw_path: path,
        raw_query_string: parts.uri.query().unwrap_or_default(),
        cookies: cookies.filter(|cookie| !cookie.is_empty()).collect(),
        headers: &headers,
        query_string_parameters: joined(query(request)),
        request_context: Context {
            account_id: &account.id,
            api_id: &api.id,
            domain_name: host,
            domain_prefix: host.split('.').next().unwrap_or_default(),
            http,
            request_id: &known.id,
            route_key: &known.route_key,
            stage: &api.stage,
            time: log_time(now),
            time_epoch: now.as_millisecond(),
        },
        path_parameters: parameters,
        body: (!body.is_empty()).then_some(text),
        is_base64_encoded,
        stage_variables: &api.stage_variables,
    };
    serde_json::to_vec(&event)
}

fn joined(pairs: Vec<Pair<'_>>) -> Joined<'_> {
    let mut all = Joined::new();
    for (name, value) in pairs {
        match all.get_mut(&name) {
            Some(known) => {
                let known = known.to_mut();
                known.push(',');
                known.push_str(&value);
            }
            None => {
                all.insert(name, value);
            }
        }
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
