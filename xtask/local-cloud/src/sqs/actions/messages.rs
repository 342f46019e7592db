//! Sending, receiving and deleting messages.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{names, text};
use crate::{
    sqs::{
        MessageAttribute, NewMessage, Queue, Receive, Received, Sent, check,
        errors::{invalid_value, missing, out_of_range},
    },
    wire::{ApiError, md5},
};

pub(super) fn send(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    Ok(sent_json(&queue.send(new_message(request)?)?))
}

fn new_message(request: &Value) -> Result<NewMessage, ApiError> {
    let owned = |name: &str| text(request, name).map(str::to_owned);
    let trace = request.pointer("/MessageSystemAttributes/AWSTraceHeader/StringValue").and_then(Value::as_str);
    Ok(NewMessage {
        body: owned("MessageBody").ok_or_else(|| missing("MessageBody"))?,
        attributes: message_attributes(request.get("MessageAttributes"))?,
        delay: number(request, "DelaySeconds", 0, 900)?.map(Duration::from_secs),
        group_id: owned("MessageGroupId"),
        deduplication_id: owned("MessageDeduplicationId"),
        trace_header: trace.map(str::to_owned),
    })
}

/// Reads message attributes.
fn message_attributes(given: Option<&Value>) -> Result<BTreeMap<String, MessageAttribute>, ApiError> {
    let given = given.and_then(Value::as_object).into_iter().flatten();
    given
        .map(|(name, value)| {
            let data_type = text(value, "DataType").unwrap_or_default().to_owned();
            let binary = text(value, "BinaryValue").map(|text| STANDARD.decode(text)).transpose();
            let binary = binary.map_err(|_| invalid_value(format!("The message attribute '{name}' is not base64.")))?;
            let attribute = MessageAttribute { data_type, text: text(value, "StringValue").map(str::to_owned), binary };
            check::attribute(name, &attribute)?;
            Ok((name.clone(), attribute))
        })
        .collect()
}

fn sent_json(sent: &Sent) -> Value {
    let mut json = Map::from_iter([
        ("MessageId".to_owned(), json!(sent.message_id)),
        ("MD5OfMessageBody".to_owned(), json!(sent.md5_of_body)),
    ]);
    let optional = [
        ("MD5OfMessageAttributes", &sent.md5_of_attributes),
        ("MD5OfMessageSystemAttributes", &sent.md5_of_system_attributes),
        ("SequenceNumber", &sent.sequence_number),
    ];
    json.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    Value::Object(json)
}

pub(super) async fn receive(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let max = number(request, "MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
    let wait = number(request, "WaitTimeSeconds", 0, 20)?.map_or_else(|| queue.attributes().wait, Duration::from_secs);
    let visibility = number(request, "VisibilityTimeout", 0, 43_200)?.map(Duration::from_secs);
    let receive = Receive { max: usize::try_from(max).unwrap_or(1), wait, visibility };
    let attempt = text(request, "ReceiveRequestAttemptId");
    attempt.map_or(Ok(()), |id| check::id("ReceiveRequestAttemptId", id))?;
    let received = queue.receive_as(receive, attempt).await?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let mut system = names(request, "AttributeNames");
    system.extend(names(request, "MessageSystemAttributeNames"));
    let custom = names(request, "MessageAttributeNames");
    let messages: Vec<_> = received.iter().map(|message| message_json(message, &system, &custom)).collect();
    Ok(json!({ "Messages": messages }))
}

fn message_json(message: &Received, system: &HashSet<String>, custom: &HashSet<String>) -> Value {
    let mut json = Map::from_iter([
        ("MessageId".to_owned(), json!(message.message_id)),
        ("ReceiptHandle".to_owned(), json!(message.receipt_handle)),
        ("MD5OfBody".to_owned(), json!(message.md5_of_body)),
        ("Body".to_owned(), json!(message.body)),
    ]);
    let attributes: BTreeMap<_, _> =
        message.attributes.iter().filter(|(name, _)| system.contains("All") || system.contains(*name)).collect();
    if !attributes.is_empty() {
        json.insert("Attributes".to_owned(), json!(attributes));
    }
    let chosen: BTreeMap<String, MessageAttribute> = message
        .message_attributes
        .iter()
        .filter(|(name, _)| custom.iter().any(|wanted| asks_for(wanted, name)))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    if let Some(md5) = md5::attributes(&chosen) {
        json.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
        let shown: Map<_, _> =
            chosen.iter().map(|(name, attribute)| (name.clone(), attribute_json(attribute))).collect();
        json.insert("MessageAttributes".to_owned(), Value::Object(shown));
    }
    Value::Object(json)
}

/// A name, all of them, or all that begin alike: `All`, `.*`, `prefix.*`.
fn asks_for(wanted: &str, name: &str) -> bool {
    wanted == "All" || wanted == name || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

fn attribute_json(attribute: &MessageAttribute) -> Value {
    let mut json = Map::from_iter([("DataType".to_owned(), json!(attribute.data_type))]);
    if let Some(text) = &attribute.text {
        json.insert("StringValue".to_owned(), json!(text));
    }
    if let Some(bytes) = &attribute.binary {
        json.insert("BinaryValue".to_owned(), json!(STANDARD.encode(bytes)));
    }
    Value::Object(json)
}

pub(super) fn delete(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    queue.delete(text(request, "ReceiptHandle").ok_or_else(|| missing("ReceiptHandle"))?)?;
    Ok(json!({}))
}

pub(super) fn change_visibility(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let handle = text(request, "ReceiptHandle").ok_or_else(|| missing("ReceiptHandle"))?;
    let seconds = number(request, "VisibilityTimeout", 0, 43_200)?.ok_or_else(|| missing("VisibilityTimeout"))?;
    queue.change_visibility(handle, Duration::from_secs(seconds))?;
    Ok(json!({}))
}

/// A number of the request, within its bounds.
fn number(request: &Value, name: &str, least: u64, most: u64) -> Result<Option<u64>, ApiError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            let reason = match name {
                "DelaySeconds" => format!("{name} must be >= {least} and <= {most}."),
                _ => format!("Must be between {least} and {most}, if provided."),
            };
            out_of_range(name, value, &reason)
        }),
    }
}
