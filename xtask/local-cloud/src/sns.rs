//! SNS: topics, subscriptions and deliveries.

pub(crate) mod actions;
mod delivery;
mod filter;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;

use crate::{
    account::Account,
    activity::{Stream, What},
    record::{Cause, Hop, Kind, Payload},
    sqs::{MessageAttribute, Sqs},
    wire::ApiError,
};
use filter::FilterPolicy;

/// What a message may measure, in bytes, unless its topic says otherwise.
const LONGEST: usize = 262_144;

/// Functions that a topic can start.
pub trait Functions: Send + Sync {
    /// Queues an asynchronous invocation; false when there is no such function.
    fn invoke_async(&self, function_arn: &str, payload: Vec<u8>) -> bool;
}

/// All topics of the account. Clones share them.
#[derive(Clone)]
pub struct Sns(Arc<Inner>);

struct Inner {
    account: Account,
    sqs: Sqs,
    functions: Arc<dyn Functions>,
    activity: Stream,
    topics: RwLock<BTreeMap<String, Topic>>,
}

/// A topic.
#[derive(Clone, Default)]
struct Topic {
    attributes: BTreeMap<String, String>,
    subscriptions: Vec<Arc<Subscription>>,
}

/// A subscription of a topic.
#[derive(Clone)]
pub(crate) struct Subscription {
    arn: String,
    topic_arn: String,
    protocol: String,
    endpoint: String,
    attributes: BTreeMap<String, String>,
    filter: Option<FilterPolicy>,
}

/// A message to publish.
#[derive(Clone, Debug, Default)]
pub struct Publish {
    /// The topic.
    pub topic_arn: String,
    /// What it says.
    pub message: String,
    /// The subject, for e-mail and for the envelope.
    pub subject: Option<String>,
    /// What stands on it.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// Its group, in a FIFO topic.
    pub group_id: Option<String>,
    /// By what repeats are known, in a FIFO topic.
    pub deduplication_id: Option<String>,
}

impl Sns {
    /// An account without topics.
    #[must_use]
    pub fn new(account: Account, sqs: Sqs, functions: Arc<dyn Functions>, activity: Stream) -> Self {
        Self(Arc::new(Inner { account, sqs, functions, activity, topics: RwLock::default() }))
    }

    /// Makes a topic, or answers the one of that name; its ARN.
    ///
    /// # Errors
    /// When the name is not possible.
    pub fn create_topic(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<String, ApiError> {
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let fits = (1..=256).contains(&name.len())
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !fits {
            return Err(invalid("Topic Name"));
        }
        let arn = self.0.account.arn("sns", name);
        let topic = Topic { attributes: attributes.clone(), ..Topic::default() };
        self.topics_mut().entry(arn.clone()).or_insert(topic);
        Ok(arn)
    }

    /// Subscribes an endpoint to a topic; the subscription's ARN.
    ///
    /// # Errors
    /// When there is no such topic, the protocol is none that is played here, or the filter policy is not valid.
    pub fn subscribe(
        &self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<String, ApiError> {
        if !["sqs", "lambda"].contains(&protocol) {
            return Err(invalid(&format!("Protocol: {protocol} is not played here; sqs and lambda are")));
        }
        if endpoint.split(':').count() < 6 || !endpoint.starts_with("arn:") {
            return Err(invalid(&format!("Endpoint: it must be the ARN of what {protocol} names")));
        }
        let mut subscription = Subscription {
            arn: format!("{topic_arn}:{}", Uuid::new_v4()),
            topic_arn: topic_arn.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            attributes: BTreeMap::new(),
            filter: None,
        };
        subscription.set(attributes)?;
        let mut topics = self.topics_mut();
        let topic = topics.get_mut(topic_arn).ok_or_else(no_such_topic)?;
        let same = |known: &&Arc<Subscription>| known.protocol == protocol && known.endpoint == endpoint;
        if let Some(known) = topic.subscriptions.iter().find(same) {
            return Ok(known.arn.clone());
        }
        let arn = subscription.arn.clone();
        topic.subscriptions.push(Arc::new(subscription));
        Ok(arn)
    }

    /// Publishes a message; its id. Queues have it when this returns.
    ///
    /// # Errors
    /// When there is no such topic, or the message is empty or too long.
    pub fn publish(&self, publish: &Publish) -> Result<String, ApiError> {
        let topic = self.topics().get(&publish.topic_arn).cloned().ok_or_else(no_such_topic)?;
        let longest = topic.attributes.get("MaximumMessageSize").and_then(|text| text.parse().ok()).unwrap_or(LONGEST);
        if publish.message.is_empty() {
            return Err(invalid("Empty message"));
        }
        let attributes = publish.attributes.iter().map(|(name, value)| name.len() + value.size());
        if publish.message.len() + attributes.sum::<usize>() > longest {
            return Err(invalid("Message too long"));
        }
        if publish.topic_arn.ends_with(".fifo") && publish.group_id.is_none() {
            return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
        }
        let message_id = Uuid::new_v4().to_string();
        let wanted: Vec<_> = topic.subscriptions.iter().filter(|subscription| subscription.wants(publish)).collect();
        let name = publish.topic_arn.rsplit(':').next().unwrap_or_default().to_owned();
        let (deliveries, told) = (wanted.len(), message_id.clone());
        let journeys = self.keep(publish, &name, &message_id);
        let node = format!("topic:{name}");
        self.0.activity.tell(What::Published { topic: name, message_id: told, deliveries }, None);
        Cause::new(node, journeys).of_now(|| {
            for subscription in wanted {
                delivery::deliver(&self.0, subscription, publish, &message_id);
            }
        });
        Ok(message_id)
    }

    /// Records a message that is published; the journeys that it belongs to.
    fn keep(&self, publish: &Publish, topic: &str, message_id: &str) -> Vec<u64> {
        let (cause, recorder) = (Cause::current(), self.0.activity.recorder());
        let (number, journeys) = cause.next(recorder);
        recorder.keep(Hop {
            journeys: journeys.clone(),
            message_id: Some(message_id.to_owned()),
            payload: Payload::copied(&publish.message),
            attributes: publish.attributes.clone(),
            group: publish.group_id.clone(),
            ..Hop::new(number, Kind::Published, &cause.from, &format!("topic:{topic}"), "published".to_owned())
        });
        // Which of several journeys it is may be known only from what it says.
        recorder.hop(number).map_or(journeys, |hop| hop.journeys.clone())
    }

    /// Every topic's ARN, with protocol and endpoint of each subscription.
    #[must_use]
    pub fn subscribed(&self) -> Vec<(String, Vec<(String, String)>)> {
        let pairs = |topic: &Topic| {
            topic.subscriptions.iter().map(|each| (each.protocol.clone(), each.endpoint.clone())).collect()
        };
        self.topics().iter().map(|(arn, topic)| (arn.clone(), pairs(topic))).collect()
    }

    fn topics(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Topic>> {
        self.0.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn topics_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Topic>> {
        self.0.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    fn set(&mut self, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
        for name in attributes.keys() {
            if !["RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"].contains(&name.as_str()) {
                return Err(invalid(&format!("AttributeName: {name}")));
            }
        }
        self.attributes.extend(attributes.clone());
        let body = self.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody");
        let policy = self.attributes.get("FilterPolicy").filter(|policy| !policy.is_empty());
        let read =
            |text: &String| FilterPolicy::parse(text, body).map_err(|why| invalid(&format!("FilterPolicy: {why}")));
        self.filter = policy.map(read).transpose()?;
        Ok(())
    }

    fn wants(&self, publish: &Publish) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(&publish.message, &publish.attributes))
    }

    fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw.eq_ignore_ascii_case("true"))
    }

    /// Where what cannot be delivered goes: a queue's ARN.
    fn dead_letter(&self) -> Option<String> {
        let policy: serde_json::Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned)
    }
}

pub(crate) fn invalid(what: &str) -> ApiError {
    ApiError::caller("InvalidParameter", format!("Invalid parameter: {what}"))
}

pub(crate) fn no_such_topic() -> ApiError {
    ApiError { status: 404, ..ApiError::caller("NotFound", "Topic does not exist") }
}
