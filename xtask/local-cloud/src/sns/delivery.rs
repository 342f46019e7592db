//! How a message reaches a subscription.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{Publish, Published, Sns, endpoint::Post, name_of, subscription::Subscription, topic::Topic};
use crate::{
    activity::What,
    sqs::{MessageAttribute, NewMessage},
};

/// As many attributes a queue's message can have; with more, raw delivery is not possible.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html>
const MOST_ATTRIBUTES: usize = 10;

/// Delivers a message, or, where there is nobody to take it, gives it to the subscription's dead-letter queue. Queues and
/// functions have it when this returns; an endpoint gets it from now on.
pub(super) fn deliver(
    sns: &Sns,
    topic: &Topic,
    subscription: &Arc<Subscription>,
    publish: &Publish,
    published: &Published,
) {
    let taken = match subscription.protocol.as_str() {
        "lambda" => {
            let event = lambda_event(sns, subscription, publish, published);
            sns.inner.functions.invoke_async(&subscription.endpoint, event.to_string().into_bytes())
        }
        "sqs" => send(sns, &subscription.endpoint, subscription, publish, published),
        // Nothing leaves this machine, so nothing fails either.
        _ if subscription.is_outside() => true,
        _ => {
            let raw = subscription.is_raw();
            let body = match raw {
                true => publish.text_for("http"),
                false => envelope(sns, subscription, publish, published, "http").to_string(),
            };
            let post = Post { kind: "Notification", message_id: published.message_id.clone(), body, raw };
            let (publish, published) = (publish.clone(), published.clone());
            sns.send_later(topic, subscription, post, move |sns, subscription| {
                bury(sns, subscription, &publish, &published);
            });
            true
        }
    };
    if !taken {
        let topic = name_of(&publish.topic_arn);
        sns.inner.activity.tell(What::Undelivered { topic }, None);
        bury(sns, subscription, publish, published);
    }
}

/// Gives a message that is not delivered to the subscription's dead-letter queue.
fn bury(sns: &Sns, subscription: &Subscription, publish: &Publish, published: &Published) {
    if let Some(target) = subscription.dead_letter() {
        send(sns, &target, subscription, publish, published);
    }
}

fn send(sns: &Sns, queue_arn: &str, subscription: &Subscription, publish: &Publish, published: &Published) -> bool {
    let Some(queue) = sns.inner.sqs.by_arn(queue_arn) else { return false };
    let raw = subscription.is_raw();
    if raw && publish.attributes.len() > MOST_ATTRIBUTES {
        return false;
    }
    let (body, attributes) = if raw {
        (publish.text_for("sqs"), publish.attributes.clone())
    } else {
        (envelope(sns, subscription, publish, published, "sqs").to_string(), BTreeMap::new())
    };
    let message = NewMessage {
        body,
        // What SNS calls an array is a text to SQS.
        attributes: attributes
            .into_iter()
            .map(|(name, attribute)| {
                let array = attribute.data_type == "String.Array";
                let data_type = if array { "String".to_owned() } else { attribute.data_type };
                (name, MessageAttribute { data_type, ..attribute })
            })
            .collect(),
        delay: None,
        group_id: publish.group_id.clone(),
        deduplication_id: publish.deduplication_id.clone().filter(|_| queue.is_fifo()),
        trace_header: None,
    };
    queue.send(message).is_ok()
}

/// What a queue or an endpoint gets without raw delivery. There is no signature: those who check one take it from AWS's own
/// addresses only.
fn envelope(sns: &Sns, subscription: &Subscription, publish: &Publish, published: &Published, protocol: &str) -> Value {
    let mut envelope = Map::from_iter([
        ("Type".to_owned(), json!("Notification")),
        ("MessageId".to_owned(), json!(published.message_id)),
        ("TopicArn".to_owned(), json!(publish.topic_arn)),
    ]);
    let optional = [("SequenceNumber", &published.sequence_number), ("Subject", &publish.subject)];
    envelope.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    let endpoint = &sns.account.endpoint;
    let unsubscribe = format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn);
    envelope.extend(
        [
            ("Message", json!(publish.text_for(protocol))),
            ("Timestamp", json!(sns.timestamp())),
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
fn lambda_event(sns: &Sns, subscription: &Subscription, publish: &Publish, published: &Published) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": published.message_id,
            "TopicArn": publish.topic_arn,
            "Subject": publish.subject,
            "Message": publish.text_for("lambda"),
            "Timestamp": sns.timestamp(),
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
