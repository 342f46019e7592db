//! Single hops: their payloads, again, and as files.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Shared};
use crate::{
    account::Account,
    lambda::InvokeError,
    record::{Hop, Kind, Payload},
    sns::Publish,
    sqs::{MessageAttribute, NewMessage},
};

/// What is shown of an answer, in bytes.
const LONGEST_ANSWER: usize = 10 << 20;

fn find(shared: &Shared, number: u64) -> Result<Arc<Hop>, Refusal> {
    let hop = shared.cloud.services.recorder.hop(number);
    hop.ok_or_else(|| Refusal::gone("this hop: only the newest are kept, and it"))
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Result<Json<Value>, Refusal> {
    let hop = find(&shared, number)?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = hop.head.as_ref().map(|head| {
        let all = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(&value)));
        json!({ "method": head.method.as_str(), "target": head.target, "headers": all.collect::<Vec<_>>() })
    });
    let attributes = hop.attributes.iter().map(|(name, value)| (name.clone(), json!(value.text)));
    Ok(Json(json!({
        "hop": *hop,
        "payload": payload(&hop.payload),
        "answer": payload(&hop.answer),
        "head": headers,
        "attributes": Value::Object(attributes.collect()),
        "group": hop.group,
    })))
}

/// A payload as text, or as base64 where it is none; nothing where it was too long to keep.
fn payload(payload: &Payload) -> Value {
    let text = std::str::from_utf8(&payload.bytes).ok().filter(|_| payload.is_whole());
    let base64 = (text.is_none() && payload.is_whole()).then(|| STANDARD.encode(&payload.bytes));
    json!({ "text": text, "base64": base64, "length": payload.length })
}

/// The payload as a file: what `invoke` takes, where it is an invocation's.
pub(super) async fn event(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Result<Response, Refusal> {
    let hop = find(&shared, number)?;
    let bytes = whole(&hop.payload)?;
    let name = format!("attachment; filename=\"hop-{number}.json\"");
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
        .into_response())
}

/// A line for a shell that does the same again.
pub(super) async fn curl(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Result<String, Refusal> {
    let hop = find(&shared, number)?;
    curl_line(&hop, &shared.cloud.api_endpoint, &shared.cloud.services.account)
}

pub(super) fn curl_line(hop: &Hop, api: &str, account: &Account) -> Result<String, Refusal> {
    let aws = &account.endpoint;
    let bytes = whole(&hop.payload)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Refusal::bad(&"the payload is no text; save it as a file"))?;
    let to = hop.to.split_once(':').map_or("", |(_, name)| name);
    let line = match hop.kind {
        Kind::Request => {
            let head = hop.head.as_ref().ok_or_else(|| Refusal::bad(&"the request was refused before it was read"))?;
            let own = [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING];
            let headers = head.headers.iter().filter(|(name, _)| !own.contains(name));
            let headers: String = headers
                .map(|(name, value)| {
                    format!(" -H {}", quoted(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))))
                })
                .collect();
            let data = if text.is_empty() { String::new() } else { format!(" --data-binary {}", quoted(text)) };
            format!("curl -X {} {}{headers}{data}", head.method, quoted(&format!("{api}{}", head.target)))
        }
        Kind::Invoked => {
            let address = format!("{aws}/2015-03-31/functions/{to}/invocations");
            format!("curl {} --data-binary {}", quoted(&address), quoted(text))
        }
        Kind::Sent => {
            let mut body = json!({ "QueueUrl": format!("{aws}/{}/{to}", account.id), "MessageBody": text });
            let attributes = hop.attributes.iter().map(|(name, value)| (name.clone(), attribute_json(value)));
            let attributes: serde_json::Map<_, _> = attributes.collect();
            if let Some(entries) = body.as_object_mut() {
                if !attributes.is_empty() {
                    entries.insert("MessageAttributes".to_owned(), Value::Object(attributes));
                }
                if let Some(group) = &hop.group {
                    entries.insert("MessageGroupId".to_owned(), json!(group));
                    entries.insert("MessageDeduplicationId".to_owned(), json!(again(hop.number)));
                }
            }
            let headers = "-H 'X-Amz-Target: AmazonSQS.SendMessage' -H 'Content-Type: application/x-amz-json-1.0'";
            format!("curl {} {headers} --data-binary {}", quoted(aws), quoted(&body.to_string()))
        }
        Kind::Published => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("Action", "Publish").append_pair("Version", "2010-03-31");
            form.append_pair("TopicArn", &account.arn("sns", to)).append_pair("Message", text);
            for (at, (name, value)) in hop.attributes.iter().enumerate() {
                let entry = format!("MessageAttributes.entry.{}", at + 1);
                form.append_pair(&format!("{entry}.Name"), name);
                form.append_pair(&format!("{entry}.Value.DataType"), &value.data_type);
                form.append_pair(&format!("{entry}.Value.StringValue"), value.text.as_deref().unwrap_or_default());
            }
            format!("curl {} --data-binary {}", quoted(aws), quoted(&form.finish()))
        }
        Kind::GivenUp | Kind::Noted => return Err(Refusal::bad(&"this hop is nothing that can be done again")),
    };
    Ok(line)
}

fn attribute_json(attribute: &MessageAttribute) -> Value {
    match (&attribute.text, &attribute.binary) {
        (_, Some(bytes)) => json!({ "DataType": attribute.data_type, "BinaryValue": STANDARD.encode(bytes) }),
        (text, None) => json!({ "DataType": attribute.data_type, "StringValue": text }),
    }
}

/// Text for a shell, as one word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A FIFO queue takes a message for a repeat unless it is told otherwise.
fn again(number: u64) -> String {
    format!("again-{number}-{}", uuid::Uuid::new_v4().simple())
}

fn whole(payload: &Payload) -> Result<Bytes, Refusal> {
    let too_long = || Refusal::bad(&format!("the payload of {} bytes was too long to keep", payload.length));
    payload.is_whole().then(|| payload.bytes.clone()).ok_or_else(too_long)
}

/// What is to be sent instead of what was recorded.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    #[serde(default)]
    payload: Option<String>,
}

/// Does a hop again, perhaps with another payload; answers what came of it.
pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<u64>,
    Json(wanted): Json<Replay>,
) -> Result<Json<Value>, Refusal> {
    let hop = find(&shared, number)?;
    let bytes = wanted.payload.map_or_else(|| whole(&hop.payload), |text| Ok(Bytes::from(text)))?;
    let services = &shared.cloud.services;
    let name = hop.to.split_once(':').map_or("", |(_, name)| name);
    let text = || String::from_utf8(bytes.to_vec()).map_err(|_| Refusal::bad(&"the payload is no text"));
    match hop.kind {
        Kind::Request => {
            let head = hop.head.as_ref().ok_or_else(|| Refusal::bad(&"the request was refused before it was read"))?;
            let mut headers = HeaderMap::new();
            head.headers.iter().for_each(|(name, value)| {
                headers.append(name, value);
            });
            headers.remove(header::CONTENT_LENGTH);
            call(&shared, head.method.clone(), &head.target, headers, bytes).await
        }
        Kind::Invoked => super::functions::invoked(services.lambda.invoke(name, bytes).await),
        Kind::Sent => {
            let queue = services.sqs.by_name(name).ok_or_else(|| Refusal::gone("the queue"))?;
            let message = NewMessage {
                body: text()?,
                attributes: hop.attributes.clone(),
                group_id: hop.group.clone(),
                deduplication_id: queue.is_fifo().then(|| again(number)),
                ..NewMessage::default()
            };
            let sent = queue.send(message).map_err(|error| Refusal::bad(&error))?;
            Ok(Json(json!({ "message_id": sent.message_id })))
        }
        Kind::Published => {
            let publish = Publish {
                topic_arn: services.account.arn("sns", name),
                message: text()?,
                attributes: hop.attributes.clone(),
                group_id: hop.group.clone(),
                deduplication_id: name.ends_with(".fifo").then(|| again(number)),
                ..Publish::default()
            };
            let published = services.sns.publish(&publish).map_err(|error| Refusal::bad(&error))?;
            Ok(Json(json!({ "message_id": published.message_id })))
        }
        Kind::GivenUp | Kind::Noted => Err(Refusal::bad(&"this hop is nothing that can be done again")),
    }
}

/// A request to the HTTP API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    method: String,
    /// Path and query.
    target: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

/// Sends a request to the HTTP API; answers its status and body.
pub(super) async fn request(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let method = wanted.method.parse().map_err(|_| Refusal::bad(&"the method is none"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in wanted.headers {
        let name: HeaderName = name.parse().map_err(|_| Refusal::bad(&format!("{name} is no header's name")))?;
        let value = value.parse().map_err(|_| Refusal::bad(&format!("{name} has a value that cannot be sent")))?;
        headers.insert(name, value);
    }
    call(&shared, method, &wanted.target, headers, wanted.body.into()).await
}

async fn call(
    shared: &Shared,
    method: Method,
    target: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().map_err(|_| Refusal::bad(&"the target is no path"))?;
    *request.headers_mut() = headers;
    if let Ok(host) = shared.cloud.api_endpoint.trim_start_matches("http://").parse() {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    let peer = SocketAddr::from(([127, 0, 0, 1], 0));
    let response = shared.cloud.api.get().answer(peer, request).await;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let body = body.map_err(|_| Refusal::bad(&"the answer is too long to show"))?.to_bytes();
    Ok(Json(json!({ "status": status, "body": String::from_utf8_lossy(&body) })))
}

impl From<InvokeError> for Refusal {
    fn from(error: InvokeError) -> Self {
        Self::bad(&error)
    }
}
