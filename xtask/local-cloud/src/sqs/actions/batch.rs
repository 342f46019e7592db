//! Batches: each entry is done by itself, and those that fail are told apart.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{messages, text};
use crate::{
    sqs::{Queue, check},
    wire::ApiError,
};

/// As many entries a batch may have.
const MOST: usize = 10;
/// As many bytes the messages of a batch may have together.
const LONGEST: usize = 1_048_576;

/// Sends the entries of a batch. What each message of a FIFO queue needs, the batch lacks as a whole.
pub(super) fn send(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let attributes = queue.attributes();
    let entries = checked("SendMessage", request)?;
    if queue.is_fifo() {
        for entry in entries {
            check::needs(text(entry, "MessageGroupId"), text(entry, "MessageDeduplicationId"), &attributes)?;
        }
    }
    run("SendMessage", request, |entry| messages::send(queue, entry))
}

/// Does each entry by itself.
pub(super) fn run(
    action: &str,
    request: &Value,
    each: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in checked(action, request)? {
        let id = text(entry, "Id").unwrap_or_default();
        match each(entry) {
            Ok(Value::Object(mut done)) => {
                done.insert("Id".to_owned(), json!(id));
                successful.push(Value::Object(done));
            }
            Ok(_) => successful.push(json!({ "Id": id })),
            Err(error) => {
                failed.push(json!({ "Id": id, "Code": error.code, "Message": error.message, "SenderFault": true }));
            }
        }
    }
    let mut answer = Map::from_iter([("Successful".to_owned(), Value::Array(successful))]);
    if !failed.is_empty() {
        answer.insert("Failed".to_owned(), Value::Array(failed));
    }
    Ok(Value::Object(answer))
}

/// The entries, when they can be a batch.
fn checked<'a>(action: &str, request: &'a Value) -> Result<&'a [Value], ApiError> {
    let entries = request.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ids: Vec<_> = entries.iter().map(|entry| text(entry, "Id").unwrap_or_default()).collect();
    if entries.is_empty() {
        let message = format!("There should be at least one {action}BatchRequestEntry in the request.");
        return Err(wrong("AWS.SimpleQueueService.EmptyBatchRequest", "EmptyBatchRequest", message));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if ids.iter().any(|id| !(1..=80).contains(&id.len()) || !id.bytes().all(plain)) {
        let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at \
                       most 80 letters long.";
        return Err(wrong("AWS.SimpleQueueService.InvalidBatchEntryId", "InvalidBatchEntryId", message.to_owned()));
    }
    let mut seen = HashSet::new();
    if let Some(repeated) = ids.iter().find(|id| !seen.insert(**id)) {
        let message = format!("Id {repeated} repeated.");
        return Err(wrong("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", message));
    }
    if entries.len() > MOST {
        let message = format!("Maximum number of entries per request are {MOST}. You have sent {}.", entries.len());
        let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(wrong(code, "TooManyEntriesInBatchRequest", message));
    }
    let size: usize = entries.iter().map(size).sum();
    if size > LONGEST {
        let message = format!("Batch requests cannot be longer than {LONGEST} bytes. You have sent {size} bytes.");
        return Err(wrong("AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong", message));
    }
    Ok(entries)
}

/// What an entry weighs: its body and its attributes, with their names and types.
fn size(entry: &Value) -> usize {
    let attributes = entry.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten();
    let attributes = attributes.map(|(name, value)| {
        let binary = text(value, "BinaryValue").map_or(0, |text| text.len() / 4 * 3);
        let parts = ["DataType", "StringValue"].map(|part| text(value, part).map_or(0, str::len));
        name.len() + parts.iter().sum::<usize>() + binary
    });
    text(entry, "MessageBody").map_or(0, str::len) + attributes.sum::<usize>()
}

fn wrong(code: &'static str, shape: &'static str, message: String) -> ApiError {
    ApiError::named(code, shape, message)
}
