//! A hop as a span, in the words of the semantic conventions.
//!
//! Sources: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>,
//! <https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/>,
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::attribute;
use crate::{
    account::Account,
    record::{Hop, Kind},
};

/// The numbers of OTLP's kinds of spans.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;

/// What a hop is, in OpenTelemetry's words.
struct Said {
    name: String,
    kind: u8,
    attributes: Vec<(&'static str, Value)>,
}

/// The hops as spans, with each node of the picture as a resource.
pub(super) fn by_resource(hops: &[Arc<Hop>], account: &Account) -> Vec<Value> {
    let mut nodes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for hop in hops {
        nodes.entry(&hop.to).or_default().push(span(hop));
    }
    let scope = json!({ "name": "local-cloud" });
    let resource = |(node, spans): (&str, Vec<Value>)| {
        json!({
            "resource": { "attributes": resource(node, account) },
            "scopeSpans": [{ "scope": scope, "spans": spans }],
        })
    };
    nodes.into_iter().map(resource).collect()
}

/// A node is `function:NAME`, `queue:NAME`, `topic:NAME`, `api`, or a word for what is outside.
fn resource(node: &str, account: &Account) -> Vec<Value> {
    let (kind, name) = node.split_once(':').unwrap_or(("", node));
    let function = kind == "function";
    let arn = function.then(|| account.arn("lambda", &format!("function:{name}")));
    let all = [
        ("service.name", json!(name)),
        ("cloud.provider", json!("aws")),
        ("cloud.account.id", json!(account.id)),
        ("cloud.region", json!(account.region)),
        ("cloud.platform", if function { json!("aws_lambda") } else { Value::Null }),
        ("cloud.resource_id", json!(arn)),
        ("faas.name", if function { json!(name) } else { Value::Null }),
    ];
    all.into_iter().filter_map(|(key, value)| attribute(key, value)).collect()
}

fn span(hop: &Hop) -> Value {
    let Said { name, kind, attributes } = match hop.kind {
        Kind::Request => request(hop),
        Kind::Published => message(hop, "publish", "send", PRODUCER),
        Kind::Sent => message(hop, "send", "send", PRODUCER),
        Kind::GivenUp => message(hop, "dead-letter", "settle", INTERNAL),
        Kind::Invoked => invocation(hop),
        Kind::Noted => Said { name: hop.label.clone(), kind: INTERNAL, attributes: Vec::new() },
    };
    let trace = &hop.trace;
    let took = hop.took_ms.map_or(0, |took| (took * 1e6) as u64);
    // A server's span has failed by what is its own fault, not by what callers do wrong.
    let failed = hop.error.as_ref().filter(|_| hop.status.is_none_or(|status| status >= 500));
    let attributes = attributes.into_iter().chain([("error.type", json!(failed))]);
    let links = trace.links.iter();
    let mut span = json!({
        "traceId": format!("{:032x}", trace.span.trace),
        "spanId": format!("{:016x}", trace.span.id),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": hop.at_ns.saturating_sub(took).to_string(),
        "endTimeUnixNano": hop.at_ns.to_string(),
        "attributes": attributes.filter_map(|(key, value)| attribute(key, value)).collect::<Vec<_>>(),
        "links": links.map(|link| json!({
            "traceId": format!("{:032x}", link.trace),
            "spanId": format!("{:016x}", link.id),
        })).collect::<Vec<_>>(),
        "status": failed.map_or_else(|| json!({}), |error| json!({ "code": 2, "message": error })),
    });
    if let (Some(parent), Some(members)) = (trace.parent, span.as_object_mut()) {
        members.insert("parentSpanId".to_owned(), json!(format!("{parent:016x}")));
    }
    span
}

/// A query may say what is nobody's business, so it is left out.
fn request(hop: &Hop) -> Said {
    let method = hop.head.as_ref().map(|head| head.method.as_str());
    let route = hop.head.as_ref().map(|head| head.route.split_once(' ').map_or("$default", |(_, path)| path));
    let path = hop.head.as_ref().map(|head| head.target.split('?').next().unwrap_or_default());
    Said {
        name: method.zip(route).map_or_else(|| "HTTP".to_owned(), |(method, route)| format!("{method} {route}")),
        kind: SERVER,
        attributes: vec![
            ("http.request.method", json!(method)),
            ("http.route", json!(route)),
            ("url.path", json!(path)),
            ("url.scheme", json!("http")),
            ("http.response.status_code", json!(hop.status)),
            ("http.request.body.size", json!(hop.payload.length)),
        ],
    }
}

fn message(hop: &Hop, operation: &str, kind_of_operation: &str, kind: u8) -> Said {
    let (node, destination) = hop.to.split_once(':').unwrap_or(("", &hop.to));
    Said {
        name: format!("{operation} {destination}"),
        kind,
        attributes: vec![
            ("messaging.system", json!(if node == "topic" { "aws.sns" } else { "aws_sqs" })),
            ("messaging.operation.name", json!(operation)),
            ("messaging.operation.type", json!(kind_of_operation)),
            ("messaging.destination.name", json!(destination)),
            ("messaging.message.id", json!(hop.message_id)),
            ("messaging.message.body.size", json!(hop.payload.length)),
        ],
    }
}

fn invocation(hop: &Hop) -> Said {
    let (origin, source) = hop.from.split_once(':').unwrap_or((&hop.from, ""));
    let (trigger, system) = match origin {
        "api" => ("http", None),
        "queue" => ("pubsub", Some("aws_sqs")),
        "topic" => ("pubsub", Some("aws.sns")),
        _ => ("other", None),
    };
    let mut attributes = vec![
        ("faas.invocation_id", json!(hop.message_id)),
        ("faas.trigger", json!(trigger)),
        ("faas.coldstart", json!(hop.label == "cold")),
    ];
    if let Some(system) = system {
        attributes.extend([
            ("messaging.system", json!(system)),
            ("messaging.operation.name", json!("process")),
            ("messaging.operation.type", json!("process")),
            ("messaging.destination.name", json!(source)),
            ("messaging.batch.message_count", json!((origin == "queue").then_some(hop.trace.links.len() + 1))),
        ]);
    }
    let name = hop.to.split_once(':').map_or(hop.to.as_str(), |(_, name)| name).to_owned();
    Said { name, kind: if system.is_some() { CONSUMER } else { SERVER }, attributes }
}
