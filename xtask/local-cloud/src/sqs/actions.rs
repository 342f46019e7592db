//! SQS's actions, in AWS's JSON protocol: each reads its request, does it, and writes its answer.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

use std::{collections::BTreeMap, collections::HashSet, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{
    MessageAttribute, NewMessage, Queue, Receive, Received, Sent, Sqs,
    errors::{invalid_attribute, invalid_value, missing, no_such_queue},
};
use crate::wire::ApiError;

/// Does one action.
pub(crate) async fn run(sqs: &Sqs, action: &str, request: &Value) -> Result<Value, ApiError> {
    match action {
        "CreateQueue" => create_queue(sqs, request),
        "DeleteQueue" => queue(sqs, request).map(|queue| {
            sqs.delete_queue(queue.name());
            json!({})
        }),
        "ListQueues" => Ok(list_queues(sqs, request)),
        "GetQueueUrl" => get_queue_url(sqs, request),
        "GetQueueAttributes" => get_queue_attributes(&*queue(sqs, request)?, request),
        "SetQueueAttributes" => {
            queue(sqs, request)?.change_attributes(&texts(request.get("Attributes")))?;
            Ok(json!({}))
        }
        "SendMessage" => Ok(sent_json(&queue(sqs, request)?.send(new_message(request)?)?)),
        "SendMessageBatch" => {
            let queue = queue(sqs, request)?;
            batch(request, |entry| Ok(sent_json(&queue.send(new_message(entry)?)?)))
        }
        "ReceiveMessage" => receive_message(&*queue(sqs, request)?, request).await,
        "DeleteMessage" => delete(&*queue(sqs, request)?, request),
        "DeleteMessageBatch" => {
            let queue = queue(sqs, request)?;
            batch(request, |entry| delete(&queue, entry))
        }
        "ChangeMessageVisibility" => change_visibility(&*queue(sqs, request)?, request),
        "ChangeMessageVisibilityBatch" => {
            let queue = queue(sqs, request)?;
            batch(request, |entry| change_visibility(&queue, entry))
        }
        "PurgeQueue" => {
            queue(sqs, request)?.purge();
            Ok(json!({}))
        }
        "ListQueueTags" => queue(sqs, request).map(|_| json!({ "Tags": {} })),
        "ListDeadLetterSourceQueues" => list_sources(sqs, &*queue(sqs, request)?),
        _ => Err(ApiError::caller("UnsupportedOperation", format!("{action} is not played here"))),
    }
}

fn queue(sqs: &Sqs, request: &Value) -> Result<Arc<Queue>, ApiError> {
    let url = text(request, "QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
    sqs.by_url(url).ok_or_else(no_such_queue)
}

fn create_queue(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let name = text(request, "QueueName").ok_or_else(|| missing("QueueName"))?;
    let queue = sqs.create_queue(name, &texts(request.get("Attributes")))?;
    Ok(json!({ "QueueUrl": queue.url() }))
}

fn list_queues(sqs: &Sqs, request: &Value) -> Value {
    let prefix = text(request, "QueueNamePrefix").unwrap_or_default();
    let urls: Vec<_> =
        sqs.all().iter().filter(|queue| queue.name().starts_with(prefix)).map(|queue| queue.url().to_owned()).collect();
    if urls.is_empty() { json!({}) } else { json!({ "QueueUrls": urls }) }
}

fn get_queue_url(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let name = text(request, "QueueName").ok_or_else(|| missing("QueueName"))?;
    let queue = sqs.by_name(name).ok_or_else(no_such_queue)?;
    Ok(json!({ "QueueUrl": queue.url() }))
}

fn get_queue_attributes(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let counts = queue.counts();
    let mut all = queue.attributes().tell();
    let numbers = [
        ("ApproximateNumberOfMessages", counts.visible),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed),
    ];
    all.extend(numbers.map(|(name, count)| (name.to_owned(), count.to_string())));
    all.insert("QueueArn".to_owned(), queue.arn().to_owned());
    let wanted = names(request, "AttributeNames");
    let known = |name: &String| name == "All" || all.contains_key(name) || OPTIONAL.contains(&name.as_str());
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        return Err(invalid_attribute(unknown));
    }
    if !wanted.contains("All") {
        all.retain(|name, _| wanted.contains(name));
    }
    Ok(if all.is_empty() { json!({}) } else { json!({ "Attributes": all }) })
}

/// Attributes that a queue may have and need not.
const OPTIONAL: [&str; 9] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "FifoQueue",
    "ContentBasedDeduplication",
    "SqsManagedSseEnabled",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
];

async fn receive_message(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let number = |name: &str, least: u64, most: u64| match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            invalid_value(format!(
                "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}."
            ))
        }),
    };
    let max = number("MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
    let wait = number("WaitTimeSeconds", 0, 20)?.map_or_else(|| queue.attributes().wait, Duration::from_secs);
    let visibility = number("VisibilityTimeout", 0, 43_200)?.map(Duration::from_secs);
    let receive = Receive { max: usize::try_from(max).unwrap_or(1), wait, visibility };
    let received = queue.receive(receive).await;
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
    if let Some(md5) = crate::wire::md5::attributes(&chosen) {
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

fn delete(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    queue.delete(text(request, "ReceiptHandle").ok_or_else(|| missing("ReceiptHandle"))?)?;
    Ok(json!({}))
}

fn change_visibility(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let handle = text(request, "ReceiptHandle").ok_or_else(|| missing("ReceiptHandle"))?;
    let seconds =
        request.get("VisibilityTimeout").and_then(Value::as_u64).ok_or_else(|| missing("VisibilityTimeout"))?;
    queue.change_visibility(handle, Duration::from_secs(seconds))?;
    Ok(json!({}))
}

fn list_sources(sqs: &Sqs, queue: &Queue) -> Result<Value, ApiError> {
    let feeds = |other: &Arc<Queue>| other.attributes().redrive.is_some_and(|redrive| redrive.target == queue.arn());
    let urls: Vec<_> = sqs.all().iter().filter(|other| feeds(other)).map(|other| other.url().to_owned()).collect();
    Ok(json!({ "queueUrls": urls }))
}

/// Does each entry by itself; those that fail are told apart.
fn batch(request: &Value, each: impl Fn(&Value) -> Result<Value, ApiError>) -> Result<Value, ApiError> {
    let entries = request.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let error = |code: &'static str, shape, message: &str| Err(ApiError::named(code, shape, message));
    if entries.is_empty() {
        let message = "There should be at least one entry in the request.";
        return error("AWS.SimpleQueueService.EmptyBatchRequest", "EmptyBatchRequest", message);
    }
    if entries.len() > 10 {
        let message = "Maximum number of entries per request are 10.";
        return error("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest", message);
    }
    let ids: HashSet<_> = entries.iter().filter_map(|entry| text(entry, "Id")).collect();
    if ids.len() < entries.len() {
        let message = "Two or more batch entries in the request have the same Id.";
        return error("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", message);
    }
    let size: usize = entries.iter().filter_map(|entry| text(entry, "MessageBody")).map(str::len).sum();
    if size > 1_048_576 {
        let message = "Batch requests cannot be longer than 1048576 bytes.";
        return error("AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong", message);
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = text(entry, "Id").unwrap_or_default();
        match each(entry) {
            Ok(Value::Object(mut done)) => {
                done.insert("Id".to_owned(), json!(id));
                successful.push(Value::Object(done));
            }
            Ok(_) => successful.push(json!({ "Id": id })),
            Err(error) => {
                failed.push(json!({ "Id": id, "Code": error.shape, "Message": error.message, "SenderFault": true }));
            }
        }
    }
    let mut answer = Map::from_iter([("Successful".to_owned(), Value::Array(successful))]);
    if !failed.is_empty() {
        answer.insert("Failed".to_owned(), Value::Array(failed));
    }
    Ok(Value::Object(answer))
}

fn new_message(request: &Value) -> Result<NewMessage, ApiError> {
    let owned = |name: &str| text(request, name).map(str::to_owned);
    let delay = request.get("DelaySeconds").and_then(Value::as_u64).map(Duration::from_secs);
    let trace = request.pointer("/MessageSystemAttributes/AWSTraceHeader/StringValue").and_then(Value::as_str);
    Ok(NewMessage {
        body: owned("MessageBody").ok_or_else(|| missing("MessageBody"))?,
        attributes: message_attributes(request.get("MessageAttributes"))?,
        delay,
        group_id: owned("MessageGroupId"),
        deduplication_id: owned("MessageDeduplicationId"),
        trace_header: trace.map(str::to_owned),
    })
}

/// Reads message attributes, as SQS's and SNS's JSON have them.
fn message_attributes(given: Option<&Value>) -> Result<BTreeMap<String, MessageAttribute>, ApiError> {
    let given = given.and_then(Value::as_object).into_iter().flatten();
    given
        .map(|(name, value)| {
            let data_type = text(value, "DataType").unwrap_or_default().to_owned();
            let binary = text(value, "BinaryValue").map(|text| STANDARD.decode(text)).transpose();
            let binary = binary.map_err(|_| invalid_value(format!("The message attribute '{name}' is not base64.")))?;
            let attribute = MessageAttribute { data_type, text: text(value, "StringValue").map(str::to_owned), binary };
            check_attribute(name, &attribute)?;
            Ok((name.clone(), attribute))
        })
        .collect()
}

/// A value of the kind that its type says, and not empty.
pub(crate) fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), ApiError> {
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let fits = match kind {
        "String" => attribute.text.as_ref().is_some_and(|text| !text.is_empty()),
        "Number" => attribute.text.as_ref().is_some_and(|text| text.parse::<f64>().is_ok()),
        "Binary" => attribute.binary.as_ref().is_some_and(|bytes| !bytes.is_empty()),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(invalid_value(format!("The message attribute '{name}' must contain a non-empty value that fits its type.")))
}

fn sent_json(sent: &Sent) -> Value {
    let mut json = Map::from_iter([
        ("MessageId".to_owned(), json!(sent.message_id)),
        ("MD5OfMessageBody".to_owned(), json!(sent.md5_of_body)),
    ]);
    if let Some(md5) = &sent.md5_of_attributes {
        json.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
    }
    if let Some(number) = &sent.sequence_number {
        json.insert("SequenceNumber".to_owned(), json!(number));
    }
    Value::Object(json)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

fn names(request: &Value, key: &str) -> HashSet<String> {
    let list = request.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
