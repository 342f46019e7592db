//! Making queues, finding them, and what is known of them.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{list as texts_of, names, text, texts};
use crate::{
    sqs::{
        Queue, Sqs,
        errors::{invalid_attribute, invalid_value, missing, no_such_queue, out_of_range},
    },
    wire::ApiError,
};

/// As many tags a queue may have.
const MOST_TAGS: usize = 50;
/// As many queues are listed at a time.
const PAGE: usize = 1000;

pub(super) fn create(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let name = text(request, "QueueName").ok_or_else(|| missing("QueueName"))?;
    let tags = texts(request.get("tags"));
    if tags.len() > MOST_TAGS {
        return Err(invalid_value(format!("Too many tags added for queue {name}.")));
    }
    let attributes = texts(request.get("Attributes"));
    // A queue that is none of FIFO is made without saying so.
    if attributes.get("FifoQueue").is_some_and(|value| value != "true") {
        return Err(invalid_attribute("FifoQueue"));
    }
    let queue = sqs.create_queue(name, &attributes, &tags)?;
    Ok(json!({ "QueueUrl": queue.url() }))
}

pub(super) fn list(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let prefix = text(request, "QueueNamePrefix").unwrap_or_default();
    let all = sqs.all().into_iter().filter(|queue| queue.name().starts_with(prefix)).collect();
    let mut answer = page(request, all)?;
    if let Some(entries) = answer.as_object_mut().filter(|entries| entries.get("QueueUrls") == Some(&json!([]))) {
        entries.remove("QueueUrls");
    }
    Ok(answer)
}

/// The queues that give messages up to this one. AWS writes this list's name small.
pub(super) fn sources(sqs: &Sqs, queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let feeds = |other: &Arc<Queue>| other.attributes().redrive.is_some_and(|redrive| redrive.target == queue.arn());
    let mut answer = page(request, sqs.all().into_iter().filter(feeds).collect())?;
    if let Some(entries) = answer.as_object_mut() {
        let urls = entries.remove("QueueUrls").unwrap_or_default();
        entries.insert("queueUrls".to_owned(), urls);
    }
    Ok(answer)
}

/// As many of the queues as were asked for; the token of the rest is the name of the last.
fn page(request: &Value, queues: Vec<Arc<Queue>>) -> Result<Value, ApiError> {
    let wanted = request.get("MaxResults").and_then(Value::as_u64);
    let most = wanted.map_or(Some(PAGE), |most| usize::try_from(most).ok().filter(|most| (1..=PAGE).contains(most)));
    let most =
        most.ok_or_else(|| out_of_range("MaxResults", wanted.unwrap_or_default(), "It must be between 1 and 1000."))?;
    let after = text(request, "NextToken");
    let mut rest = queues.iter().filter(|queue| after.is_none_or(|after| queue.name() > after));
    let shown: Vec<_> = rest.by_ref().take(most).collect();
    let urls: Vec<_> = shown.iter().map(|queue| queue.url()).collect();
    let mut answer = Map::from_iter([("QueueUrls".to_owned(), json!(urls))]);
    // Without a number AWS answers the first thousand and says nothing of the rest.
    if let (Some(last), Some(_), Some(_)) = (shown.last(), rest.next(), wanted) {
        answer.insert("NextToken".to_owned(), json!(last.name()));
    }
    Ok(Value::Object(answer))
}

pub(super) fn url(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let name = text(request, "QueueName").ok_or_else(|| missing("QueueName"))?;
    let queue = sqs.by_name(name).ok_or_else(no_such_queue)?;
    let owner = text(request, "QueueOwnerAWSAccountId");
    if owner.is_some_and(|owner| queue.arn().split(':').nth(4) != Some(owner)) {
        return Err(no_such_queue());
    }
    Ok(json!({ "QueueUrl": queue.url() }))
}

pub(super) fn attributes(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let counts = queue.counts();
    let mut all = queue.attributes().tell();
    let (created, modified) = queue.times();
    let numbers = [
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        ("CreatedTimestamp", created.as_secs().to_string()),
        ("LastModifiedTimestamp", modified.as_secs().to_string()),
        ("QueueArn", queue.arn().to_owned()),
    ];
    all.extend(numbers.map(|(name, value)| (name.to_owned(), value)));
    let known = |name: &str| name == "All" || all.contains_key(name) || OPTIONAL.contains(&name);
    if let Some(unknown) = texts_of(request, "AttributeNames").find(|name| !known(name)) {
        return Err(invalid_attribute(unknown));
    }
    let wanted = names(request, "AttributeNames");
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
    "KmsDataKeyReusePeriodSeconds",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

pub(super) fn tag(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let tags = texts(request.get("Tags"));
    if tags.is_empty() {
        return Err(missing("Tags"));
    }
    let together: BTreeMap<_, _> = queue.tags().into_iter().chain(tags).collect();
    if together.len() > MOST_TAGS {
        return Err(invalid_value(format!("Too many tags added for queue {}.", queue.name())));
    }
    queue.change_tags(|tags| *tags = together);
    Ok(json!({}))
}

pub(super) fn untag(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let keys = names(request, "TagKeys");
    if keys.is_empty() {
        return Err(invalid_value("Tag keys must be between 1 and 128 characters in length."));
    }
    queue.change_tags(|tags| tags.retain(|key, _| !keys.contains(key)));
    Ok(json!({}))
}
