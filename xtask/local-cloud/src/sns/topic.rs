//! Topics: their attributes, tags and policies.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{fifo::Fifo, invalid, retries::DeliveryPolicy, subscription::Subscription};
use crate::wire::ApiError;

/// As many tags a topic may have.
const MOST_TAGS: usize = 50;

/// What may be set. Those that say how deliveries are logged and traced are told again, and change nothing here.
const ATTRIBUTES: [&str; 12] = [
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "DeliveryPolicy",
    "DisplayName",
    "FifoThroughputScope",
    "FifoTopic",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
];

/// What another account may be let do.
const FOR_OTHERS: [&str; 9] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
];

/// A topic.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Topic {
    pub(super) arn: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: IndexMap<String, String>,
    #[serde(with = "shared")]
    pub(super) subscriptions: Vec<Arc<Subscription>>,
    /// What a FIFO topic knows of what was published.
    #[serde(skip)]
    pub(super) fifo: Arc<Mutex<Fifo>>,
}

/// A list of shared subscriptions is written as one of subscriptions.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Subscription;

    pub(super) fn serialize<S: Serializer>(all: &[Arc<Subscription>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.iter().map(|subscription| &**subscription))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Subscription>>, D::Error> {
        let all = Vec::<Subscription>::deserialize(deserializer)?;
        Ok(all.into_iter().map(Arc::new).collect())
    }
}

impl Topic {
    pub(super) fn new(
        name: &str,
        arn: &str,
        attributes: &BTreeMap<String, String>,
        tags: &[(String, String)],
    ) -> Result<Self, ApiError> {
        let fifo = attributes.get("FifoTopic").is_some_and(|value| is_true(value));
        let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = stem.is_some_and(|stem| (1..=256).contains(&name.len()) && stem.bytes().all(plain));
        if !fits {
            let what = if fifo { "Fifo Topic names must end with .fifo and" } else { "Topic names" };
            return Err(ApiError::caller(
                "InvalidParameter",
                format!(
                    "{what} must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and \
                     hyphens, and must be between 1 and 256 characters long."
                ),
            ));
        }
        let mut topic = Self {
            arn: arn.to_owned(),
            attributes: BTreeMap::new(),
            tags: IndexMap::new(),
            subscriptions: Vec::new(),
            fifo: Arc::default(),
        };
        for (name, value) in attributes {
            // A topic that is none of FIFO says nothing of it.
            if name == "FifoTopic" {
                topic.attributes.extend(fifo.then(|| (name.clone(), "true".to_owned())));
            } else {
                topic.set(name, value)?;
            }
        }
        topic.tag(tags)?;
        Ok(topic)
    }

    /// Sets an attribute.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let feedback = name.ends_with("FeedbackRoleArn") || name.ends_with("FeedbackSampleRate");
        if !(ATTRIBUTES.contains(&name) || feedback) || name == "FifoTopic" {
            return Err(invalid("AttributeName"));
        }
        let wrong = |reason: &str| Err(invalid(&format!("{name} Reason: {reason}")));
        match name {
            "ContentBasedDeduplication" | "FifoThroughputScope" if !self.arn.ends_with(".fifo") => {
                return wrong("it is for FIFO topics");
            }
            "MaximumMessageSize" if !value.parse().is_ok_and(|size| (1024..=1_048_576_u64).contains(&size)) => {
                return wrong("it must be between 1024 and 1048576");
            }
            "DeliveryPolicy" if !value.is_empty() => {
                DeliveryPolicy::parse(value)?;
            }
            "Policy" if serde_json::from_str::<Value>(value).is_err() => return wrong("Policy Error: no JSON"),
            "DisplayName" if value.len() > 100 => return wrong("it has more than 100 characters"),
            _ => {}
        }
        self.attributes.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Says what differs from a topic that is to be made under the same name.
    pub(super) fn check_same(
        &self,
        attributes: &BTreeMap<String, String>,
        tags: &[(String, String)],
    ) -> Result<(), ApiError> {
        let same = |(name, value): (&String, &String)| match self.attributes.get(name) {
            Some(known) => known.eq_ignore_ascii_case(value),
            None => value.is_empty() || !is_true(value) && name == "FifoTopic",
        };
        if !attributes.iter().all(same) {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
        }
        let tagged = tags.iter().all(|(key, value)| self.tags.get(key) == Some(value));
        if !tags.is_empty() && (!tagged || tags.len() != self.tags.len()) {
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        Ok(())
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.attributes.contains_key("FifoTopic")
    }

    /// What it says of deliveries by HTTP.
    pub(super) fn delivery_policy(&self) -> Option<&str> {
        self.attributes.get("DeliveryPolicy").map(String::as_str).filter(|policy| !policy.is_empty())
    }

    pub(super) fn is_by_content(&self) -> bool {
        self.attributes.get("ContentBasedDeduplication").is_some_and(|value| is_true(value))
    }

    /// Adds tags, all of them or, when there would be too many, none.
    pub(super) fn tag(&mut self, tags: &[(String, String)]) -> Result<(), ApiError> {
        let mut together = self.tags.clone();
        together.extend(tags.iter().cloned());
        if together.len() > MOST_TAGS {
            let message = "Could not complete request: tag quota of per resource exceeded";
            return Err(ApiError::caller("TagLimitExceeded", message));
        }
        self.tags = together;
        Ok(())
    }

    /// The attributes as `GetTopicAttributes` names them.
    pub(super) fn tell(&self) -> BTreeMap<String, String> {
        let mut attributes = self.attributes.clone();
        let pending = self.subscriptions.iter().filter(|subscription| subscription.is_pending()).count();
        let confirmed = (self.subscriptions.len() - pending).to_string();
        attributes.extend(
            [
                ("TopicArn", self.arn.clone()),
                ("Owner", self.owner().to_owned()),
                ("SubscriptionsConfirmed", confirmed),
                ("SubscriptionsPending", pending.to_string()),
                ("SubscriptionsDeleted", "0".to_owned()),
                ("EffectiveDeliveryPolicy", DeliveryPolicy::effective(self.delivery_policy(), None).tell().to_string()),
                ("Policy", self.policy().to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        attributes.entry("DisplayName".to_owned()).or_default();
        if self.is_fifo() {
            attributes.insert("ContentBasedDeduplication".to_owned(), self.is_by_content().to_string());
        }
        attributes
    }

    fn owner(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// Its policy, or the one that every topic begins with.
    pub(super) fn policy(&self) -> Value {
        let own = self.attributes.get("Policy").and_then(|text| serde_json::from_str(text).ok());
        own.unwrap_or_else(|| {
            let actions: Vec<_> = FOR_OTHERS.iter().take(8).map(|action| format!("SNS:{action}")).collect();
            json!({
                "Version": "2008-10-17",
                "Id": "__default_policy_ID",
                "Statement": [{
                    "Effect": "Allow",
                    "Sid": "__default_statement_ID",
                    "Principal": { "AWS": "*" },
                    "Action": actions,
                    "Resource": self.arn,
                    "Condition": { "StringEquals": { "AWS:SourceOwner": self.owner() } },
                }],
            })
        })
    }

    /// Lets other accounts do something; told, and not checked.
    pub(super) fn add_permission(
        &mut self,
        label: &str,
        accounts: &[String],
        actions: &[String],
    ) -> Result<(), ApiError> {
        let mut policy = self.policy();
        let statements = policy.get_mut("Statement").and_then(Value::as_array_mut);
        let statements = statements.ok_or_else(|| invalid("Policy Reason: it has no list of statements"))?;
        if statements.iter().any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(label)) {
            return Err(ApiError::caller("InvalidParameter", "Statement already exists"));
        }
        if !actions.iter().all(|action| FOR_OTHERS.contains(&action.as_str())) {
            return Err(ApiError::caller("InvalidParameter", "Policy statement action out of service scope!"));
        }
        statements.push(json!({
            "Sid": label,
            "Effect": "Allow",
            "Principal": { "AWS": one_or_all(accounts.iter().map(|id| format!("arn:aws:iam::{id}:root")).collect()) },
            "Action": one_or_all(actions.iter().map(|action| format!("SNS:{action}")).collect()),
            "Resource": self.arn,
        }));
        self.attributes.insert("Policy".to_owned(), policy.to_string());
        Ok(())
    }

    pub(super) fn remove_permission(&mut self, label: &str) {
        let mut policy = self.policy();
        if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
            statements.retain(|statement| statement.get("Sid").and_then(Value::as_str) != Some(label));
        }
        self.attributes.insert("Policy".to_owned(), policy.to_string());
    }

    /// Adds subscriptions of endpoints that have none.
    pub(super) fn add_subscriptions(&mut self, others: Vec<Arc<Subscription>>) {
        for other in others {
            if !self.subscriptions.iter().any(|known| known.is_of(&other.protocol, &other.endpoint)) {
                self.subscriptions.push(other);
            }
        }
    }

    /// Takes from subscriptions of before whose endpoint said that it wants them: it need not say so again.
    pub(super) fn confirm_as(&mut self, others: &[Arc<Subscription>]) {
        for known in &mut self.subscriptions {
            let confirmed =
                |other: &Arc<Subscription>| other.confirmed && known.is_of(&other.protocol, &other.endpoint);
            if others.iter().any(confirmed) {
                Arc::make_mut(known).confirmed = true;
            }
        }
    }

    /// Takes what an endpoint sent back; the ARN of its subscription.
    pub(super) fn confirm(&mut self, token: &str) -> Option<String> {
        let known = self.subscriptions.iter_mut().find(|known| known.token.as_deref() == Some(token))?;
        Arc::make_mut(known).confirmed = true;
        Some(known.arn.clone())
    }

    /// As it is, without subscriptions.
    pub(super) fn bare(&self) -> Self {
        Self { subscriptions: Vec::new(), fifo: Arc::default(), ..self.clone() }
    }

    /// Takes on what the template has anew, where it had something else.
    pub(super) fn redefine(&mut self, old: &Self, new: &Self) {
        if old.attributes != new.attributes {
            self.attributes.clone_from(&new.attributes);
        }
        if old.tags != new.tags {
            self.tags.clone_from(&new.tags);
        }
    }

    /// Has the subscriptions that are new in place of the template's old ones; those that calls made stay. Answers the
    /// template's, as they are now: one of the same endpoint keeps its ARN.
    pub(super) fn resubscribe(
        &mut self,
        old: &[Arc<Subscription>],
        new: &[Arc<Subscription>],
    ) -> Vec<Arc<Subscription>> {
        let find = |among: &[Arc<Subscription>], wanted: &Subscription| {
            among.iter().find(|known| known.is_of(&wanted.protocol, &wanted.endpoint)).cloned()
        };
        self.subscriptions.retain(|known| find(old, known).is_none() || find(new, known).is_some());
        let subscribe = |new: &Arc<Subscription>| {
            let known = self.subscriptions.iter_mut().find(|known| known.is_of(&new.protocol, &new.endpoint));
            let Some(known) = known else {
                self.subscriptions.push(Arc::clone(new));
                return Arc::clone(new);
            };
            let as_described = Arc::new(new.in_place_of(known));
            if find(old, new).is_none_or(|old| old.attributes != new.attributes) {
                *known = Arc::clone(&as_described);
            }
            as_described
        };
        new.iter().map(subscribe).collect()
    }

    /// As it was written down, with its filters read again.
    pub(super) fn restored(self) -> Result<Self, ApiError> {
        let subscriptions = self.subscriptions.iter().map(|known| (**known).clone().restored().map(Arc::new));
        Ok(Self { subscriptions: subscriptions.collect::<Result<_, _>>()?, ..self })
    }

    /// As it is, without what was published.
    pub(super) fn anew(self) -> Self {
        Self { fifo: Arc::default(), ..self }
    }
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

fn one_or_all(mut items: Vec<String>) -> Value {
    match items.as_mut_slice() {
        [one] => json!(std::mem::take(one)),
        _ => json!(items),
    }
}
