//! Publishing: what a topic takes, and to whom it goes.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Sns, delivery, invalid, name_of, no_such_topic, subscription::Subscription, topic::Topic};
use crate::{
    activity::What,
    record::{Cause, Hop, Kind, Payload},
    sqs::MessageAttribute,
    wire::ApiError,
};

/// What a message may measure, in bytes, unless its topic says otherwise.
pub(super) const LONGEST: usize = 262_144;

/// A message to publish.
#[derive(Clone, Debug, Default)]
pub struct Publish {
    /// The topic.
    pub topic_arn: String,
    /// What it says.
    pub message: String,
    /// Whether it says something else to each protocol: an object with a text for each, and `default`.
    pub by_protocol: bool,
    /// The subject, for e-mail and for the envelope.
    pub subject: Option<String>,
    /// What stands on it.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// Its group, in a FIFO topic; in a standard one for fair queues.
    pub group_id: Option<String>,
    /// By what repeats are known, in a FIFO topic.
    pub deduplication_id: Option<String>,
}

/// What is known of a message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// SNS's id of the message.
    pub message_id: String,
    /// Its place in a FIFO topic.
    pub sequence_number: Option<String>,
}

impl Sns {
    /// Publishes a message. Queues have it when this returns.
    ///
    /// # Errors
    /// When there is no such topic, or it does not take such a message.
    pub fn publish(&self, publish: &Publish) -> Result<Published, ApiError> {
        let topic = self.topics().get(&publish.topic_arn).cloned().ok_or_else(no_such_topic)?;
        check(&topic, publish)?;
        let Some(deduplication) = topic.is_fifo().then(|| deduplication_id(publish)) else {
            let published = Published { message_id: Uuid::new_v4().to_string(), sequence_number: None };
            self.deliver(&topic, publish, &published);
            return Ok(published);
        };
        let now = self.clock().now();
        // It is held until the queues have the message, or two that come at once could change places.
        let mut fifo = topic.fifo.lock().unwrap_or_else(PoisonError::into_inner);
        // A repeat is one in the whole topic, or, where the topic's attribute says so, in its group.
        let scoped = match (&publish.group_id, topic.attributes.get("FifoThroughputScope").map(String::as_str)) {
            (Some(group), Some("MessageGroup")) => format!("{group} {deduplication}"),
            _ => deduplication.clone(),
        };
        if let Some(known) = fifo.repeat(&scoped, now) {
            return Ok(known);
        }
        let published = Published { message_id: Uuid::new_v4().to_string(), sequence_number: Some(fifo.next()) };
        fifo.remember(scoped, published.clone(), now);
        let publish = Publish { deduplication_id: Some(deduplication), ..publish.clone() };
        self.deliver(&topic, &publish, &published);
        Ok(published)
    }

    fn deliver(&self, topic: &Topic, publish: &Publish, published: &Published) {
        let wanted: Vec<&Arc<Subscription>> =
            topic.subscriptions.iter().filter(|subscription| subscription.wants(publish)).collect();
        let name = name_of(&publish.topic_arn);
        let (deliveries, message_id) = (wanted.len(), published.message_id.clone());
        let cause = self.keep(publish, &name, &message_id);
        self.inner.activity.tell(What::Published { topic: name, message_id, deliveries }, None);
        Arc::new(cause).of_now(|| {
            for subscription in wanted {
                delivery::deliver(self, topic, subscription, publish, published);
            }
        });
    }

    /// Records a message that is published; what its deliveries follow from.
    fn keep(&self, publish: &Publish, topic: &str, message_id: &str) -> Cause {
        let (cause, recorder) = (Cause::current(), self.inner.activity.recorder());
        let (number, journeys) = cause.next(recorder);
        let trace = cause.trace(recorder, number);
        let (node, span) = (format!("topic:{topic}"), trace.span);
        recorder.keep(Hop {
            journeys: journeys.clone(),
            trace,
            message_id: Some(message_id.to_owned()),
            payload: Payload::copied(&publish.message),
            attributes: publish.attributes.clone(),
            group: publish.group_id.clone(),
            ..Hop::new(number, Kind::Published, &cause.from, &node, "published".to_owned())
        });
        // Which of several journeys it is may be known only from what it says.
        let journeys = recorder.hop(number).map_or(journeys, |hop| hop.journeys.clone());
        Cause { trace_header: cause.trace_header.clone(), ..Cause::new(node, journeys).within(span) }
    }
}

/// The id that was given, or one that follows from the content.
fn deduplication_id(publish: &Publish) -> String {
    let given = publish.deduplication_id.clone();
    given.unwrap_or_else(|| format!("{:x}", Sha256::digest(publish.message.as_bytes())))
}

fn check(topic: &Topic, publish: &Publish) -> Result<(), ApiError> {
    if publish.message.is_empty() {
        return Err(invalid("Empty message"));
    }
    let longest = topic.attributes.get("MaximumMessageSize").and_then(|text| text.parse().ok()).unwrap_or(LONGEST);
    if publish.size() > longest {
        return Err(invalid("Message too long"));
    }
    if publish.subject.as_ref().is_some_and(|subject| subject.chars().count() >= 100) {
        return Err(ApiError::caller("InvalidParameter", "Subject must be less than 100 characters"));
    }
    if publish.by_protocol {
        let texts: Result<Value, _> = serde_json::from_str(&publish.message);
        let texts = texts.map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
        if !texts.get("default").is_some_and(Value::is_string) {
            return Err(invalid("Message Structure - No default entry in JSON message body"));
        }
    }
    match (topic.is_fifo(), &publish.group_id, &publish.deduplication_id) {
        (true, None, _) => Err(invalid("The MessageGroupId parameter is required for FIFO topics")),
        (true, Some(_), None) if !topic.is_by_content() => Err(invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
        (false, _, Some(_)) => Err(invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        )),
        _ => Ok(()),
    }
}

impl Publish {
    /// How many bytes it counts, its attributes included.
    pub(super) fn size(&self) -> usize {
        self.message.len() + self.attributes.iter().map(|(name, value)| name.len() + value.size()).sum::<usize>()
    }

    /// What it says to a protocol.
    pub(super) fn text_for(&self, protocol: &str) -> String {
        if !self.by_protocol {
            return self.message.clone();
        }
        let texts: Value = serde_json::from_str(&self.message).unwrap_or_default();
        let text = texts.get(protocol).and_then(Value::as_str).or_else(|| texts.get("default").and_then(Value::as_str));
        text.unwrap_or_default().to_owned()
    }
}
