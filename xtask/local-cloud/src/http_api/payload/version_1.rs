//! Payload format 1.0: all values of headers and parameters beside the last ones, and an answer that says its status.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
};

use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Pair, Parts, body_text, finished, header_text, last, log_time, protocol, query, status, with_header};
use crate::http_api::RouteKey;

/// The event that a function gets. What is empty is null.
pub(super) fn event(request: &Parts<'_>) -> Value {
    let Parts { api, account, known, parts, path, parameters, body, .. } = *request;
    let (headers, query) = (super::headers(request), query(request));
    let host = last(&headers, "host");
    let now = Timestamp::now();
    let (method, resource) = (parts.method.as_str(), resource(request.route));
    let (text, is_base64) = body_text(parts, body);
    json!({
        "version": "1.0",
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": latest(&headers),
        "multiValueHeaders": all(&headers),
        "queryStringParameters": filled(latest(&query)),
        "multiValueQueryStringParameters": filled(all(&query)),
        "requestContext": {
            "accountId": account.id,
            "apiId": api.id,
            "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "extendedRequestId": known.id,
            "httpMethod": method,
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAmr": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": known.source_ip,
                "user": null,
                "userAgent": last(&headers, "user-agent"),
                "userArn": null,
            },
            "path": path,
            "protocol": protocol(parts.version),
            "requestId": known.id,
            "requestTime": log_time(now),
            "requestTimeEpoch": now.as_millisecond(),
            "resourceId": known.route_key,
            "resourcePath": resource,
            "stage": api.stage,
        },
        "pathParameters": filled(parameters),
        "stageVariables": filled(&api.stage_variables),
        "body": (!body.is_empty()).then_some(text),
        "isBase64Encoded": is_base64,
    })
}

/// The route's path, without its method.
fn resource(route: &RouteKey) -> String {
    let key = route.to_string();
    key.split_once(' ').map_or(key.as_str(), |(_, path)| path).to_owned()
}

/// The last value of each name.
fn latest<'p>(pairs: &'p [Pair<'_>]) -> BTreeMap<&'p str, &'p str> {
    pairs.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// All values of each name, in their order.
fn all<'p>(pairs: &'p [Pair<'_>]) -> BTreeMap<&'p str, Vec<&'p str>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in pairs {
        all.entry(&**name).or_default().push(&**value);
    }
    all
}

fn filled<K, V, M: Borrow<BTreeMap<K, V>> + Serialize>(map: M) -> Option<M> {
    Some(map).filter(|map| !map.borrow().is_empty())
}

/// The response that a function's answer means; nothing when it means none. Only format 2.0 has a status inferred.
///
/// A header that stands in both maps has all values that differ.
pub(super) fn response(answer: &[u8]) -> Option<Response> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let mut values = BTreeSet::new();
    let mut response = Response::builder().status(status(&answer)?);
    let many = answer.get("multiValueHeaders").and_then(Value::as_object).into_iter().flatten();
    let many = many.flat_map(|(name, values)| values.as_array().into_iter().flatten().map(move |value| (name, value)));
    let one = answer.get("headers").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in many.chain(one) {
        let (name, value) = (name.to_ascii_lowercase(), header_text(value));
        if values.insert((name.clone(), value.clone())) {
            response = with_header(response, &name, &value)?;
        }
    }
    finished(response, &answer)
}
