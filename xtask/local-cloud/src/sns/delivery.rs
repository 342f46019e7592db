//! How a message reaches a subscription.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Inner, Publish, Subscription};
use crate::sqs::{MessageAttribute, NewMessage};

/// Delivers a message, or, where there is nobody to take it, gives it to the subscription's dead-letter queue.
pub(super) fn deliver(sns: &Inner, subscription: &Subscription, publish: &Publish, message_id: &str) {
    let taken = match subscription.protocol.as_str() {
        "lambda" => {
            let event = lambda_event(subscription, publish, message_id);
            sns.functions.invoke_async(&subscription.endpoint, event.to_string().into_bytes())
        }
        _ => send(sns, &subscription.endpoint, subscription, publish, message_id),
    };
    if !taken && let Some(target) = subscription.dead_letter() {
        send(sns, &target, subscription, publish, message_id);
    }
}

fn send(sns: &Inner, queue_arn: &str, subscription: &Subscription, publish: &Publish, message_id: &str) -> bool {
    let Some(queue) = sns.sqs.by_arn(queue_arn) else { return false };
    let raw = subscription.is_raw();
    let (body, attributes) = if raw {
        (publish.message.clone(), publish.attributes.clone())
    } else {
        (envelope(sns, subscription, publish, message_id).to_string(), BTreeMap::new())
    };
    let message = NewMessage {
        body,
        attributes,
        delay: None,
        group_id: publish.group_id.clone(),
        deduplication_id: publish.deduplication_id.clone().filter(|_| queue.is_fifo()),
        trace_header: None,
    };
    queue.send(message).is_ok()
}

/// What a queue gets without raw delivery. Nothing here checks signatures, so there is none.
fn envelope(sns: &Inner, subscription: &Subscription, publish: &Publish, message_id: &str) -> Value {
    let mut envelope = Map::from_iter([
        ("Type".to_owned(), json!("Notification")),
        ("MessageId".to_owned(), json!(message_id)),
        ("TopicArn".to_owned(), json!(publish.topic_arn)),
    ]);
    if let Some(subject) = &publish.subject {
        envelope.insert("Subject".to_owned(), json!(subject));
    }
    let endpoint = &sns.account.endpoint;
    let unsubscribe = format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn);
    envelope.extend(
        [
            ("Message", json!(publish.message)),
            ("Timestamp", json!(now())),
            ("SignatureVersion", json!("1")),
            ("Signature", json!("EXAMPLE")),
            ("SigningCertURL", json!("EXAMPLE")),
            ("UnsubscribeURL", json!(unsubscribe)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if !publish.attributes.is_empty() {
        envelope.insert("MessageAttributes".to_owned(), attributes(&publish.attributes));
    }
    Value::Object(envelope)
}

/// What a function gets.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>
fn lambda_event(subscription: &Subscription, publish: &Publish, message_id: &str) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": publish.topic_arn,
            "Subject": publish.subject,
            "Message": publish.message,
            "Timestamp": now(),
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertUrl": "EXAMPLE",
            "UnsubscribeUrl": "EXAMPLE",
            "MessageAttributes": attributes(&publish.attributes),
        },
    }]})
}

fn attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let value = |attribute: &MessageAttribute| match &attribute.binary {
        Some(bytes) => STANDARD.encode(bytes),
        None => attribute.text.clone().unwrap_or_default(),
    };
    let entries = attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), json!({ "Type": attribute.data_type, "Value": value(attribute) })));
    Value::Object(entries.collect())
}

fn now() -> String {
    let now = Timestamp::now();
    let milliseconds = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    format!("{milliseconds:.3}")
}
