//! Subscriptions: who gets what of a topic's messages.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Publish, address, filter::FilterPolicy, invalid, retries::DeliveryPolicy};
use crate::wire::ApiError;

/// Protocols whose endpoints are outside of this machine, but for HTTP to the machine itself. They count as confirmed, and
/// nothing is sent to them.
const OUTSIDE: [&str; 7] = ["http", "https", "email", "email-json", "sms", "application", "firehose"];

/// What may be set.
const ATTRIBUTES: [&str; 7] = [
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "ReplayPolicy",
    "SubscriptionRoleArn",
];

/// A subscription of a topic.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(super) arn: String,
    pub(super) topic_arn: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) attributes: BTreeMap<String, String>,
    /// What the endpoint has to send back before it gets messages, where it has to.
    #[serde(default)]
    pub(super) token: Option<String>,
    /// Whether it did.
    #[serde(default)]
    pub(super) confirmed: bool,
    #[serde(skip)]
    filter: Option<FilterPolicy>,
}

impl Subscription {
    pub(super) fn new(
        arn: String,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &BTreeMap<String, String>,
        fifo: bool,
    ) -> Result<Self, ApiError> {
        check_endpoint(protocol, endpoint, fifo)?;
        let mut subscription = Self {
            arn,
            topic_arn: topic_arn.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            attributes: BTreeMap::new(),
            token: address::is_here(protocol, endpoint).then(address::token),
            confirmed: false,
            filter: None,
        };
        subscription.set(attributes)?;
        Ok(subscription)
    }

    /// Sets attributes, all of them or, on a mistake, none.
    pub(super) fn set(&mut self, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
        if attributes.keys().any(|name| !ATTRIBUTES.contains(&name.as_str())) {
            return Err(invalid("AttributeName"));
        }
        let mut together = self.attributes.clone();
        together.extend(attributes.clone());
        // An empty policy is none, and without one there is no scope of it.
        if together.get("FilterPolicy").is_some_and(String::is_empty) {
            together.remove("FilterPolicy");
            together.remove("FilterPolicyScope");
        }
        together.retain(|name, value| !(name == "RedrivePolicy" && value.is_empty()));
        if let Some(raw) = together.get("RawMessageDelivery")
            && !["true", "false"].contains(&raw.to_ascii_lowercase().as_str())
        {
            let reason = "Attributes Reason: RawMessageDelivery: Invalid value [";
            return Err(invalid(&format!("{reason}{raw}]. Must be true or false.")));
        }
        together.retain(|name, value| !(name == "DeliveryPolicy" && value.is_empty()));
        if let Some(policy) = together.get("DeliveryPolicy") {
            DeliveryPolicy::parse(policy)?;
        }
        if let Some(policy) = together.get("RedrivePolicy") {
            dead_letter(policy).ok_or_else(|| invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn"))?;
        }
        let scope = together.get("FilterPolicyScope").map_or("MessageAttributes", String::as_str);
        let body = match scope {
            "MessageAttributes" => false,
            "MessageBody" => true,
            other => {
                return Err(invalid(&format!(
                    "FilterPolicyScope: Invalid value [{other}]. Please use either MessageBody or MessageAttributes"
                )));
            }
        };
        let filter = together.get("FilterPolicy").map(|text| FilterPolicy::parse(text, body)).transpose()?;
        (self.attributes, self.filter) = (together, filter);
        Ok(())
    }

    /// Whether it is the one of this endpoint.
    pub(super) fn is_of(&self, protocol: &str, endpoint: &str) -> bool {
        self.protocol == protocol && self.endpoint == endpoint
    }

    /// The same in the place of one of the same endpoint, which knows it already.
    pub(super) fn in_place_of(&self, known: &Self) -> Self {
        let (arn, token, confirmed) = (known.arn.clone(), known.token.clone(), known.confirmed);
        Self { arn, token, confirmed, ..self.clone() }
    }

    /// Says what differs from a subscription that is to be made of the same endpoint.
    pub(super) fn check_same(&self, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
        if attributes.iter().all(|(name, value)| self.attributes.get(name) == Some(value)) {
            return Ok(());
        }
        Err(invalid("Attributes Reason: Subscription already exists with different attributes"))
    }

    /// The attributes as `GetSubscriptionAttributes` names them, where its topic says this of deliveries.
    pub(super) fn tell(&self, topic_policy: Option<&str>) -> BTreeMap<String, String> {
        let mut attributes = self.attributes.clone();
        let effective = DeliveryPolicy::effective(topic_policy, self.delivery_policy()).tell().to_string();
        let owner = self.topic_arn.split(':').nth(4).unwrap_or_default();
        for (name, value) in [
            ("SubscriptionArn", self.arn.as_str()),
            ("TopicArn", &self.topic_arn),
            ("Protocol", &self.protocol),
            ("Endpoint", &self.endpoint),
            ("Owner", owner),
            ("PendingConfirmation", if self.is_pending() { "true" } else { "false" }),
            ("ConfirmationWasAuthenticated", if self.token.is_some() { "false" } else { "true" }),
            ("EffectiveDeliveryPolicy", &effective),
        ] {
            attributes.insert(name.to_owned(), value.to_owned());
        }
        attributes.entry("RawMessageDelivery".to_owned()).or_insert_with(|| "false".to_owned());
        if attributes.contains_key("FilterPolicy") {
            attributes.entry("FilterPolicyScope".to_owned()).or_insert_with(|| "MessageAttributes".to_owned());
        }
        attributes
    }

    /// Whether its endpoint has still to say that it wants it.
    pub(super) fn is_pending(&self) -> bool {
        self.token.is_some() && !self.confirmed
    }

    /// As lists and answers name it.
    pub(super) fn shown_arn(&self) -> &str {
        if self.is_pending() { "PendingConfirmation" } else { &self.arn }
    }

    /// What it says of deliveries by HTTP.
    pub(super) fn delivery_policy(&self) -> Option<&str> {
        self.attributes.get("DeliveryPolicy").map(String::as_str)
    }

    pub(super) fn wants(&self, publish: &Publish) -> bool {
        !self.is_pending()
            && self.filter.as_ref().is_none_or(|filter| filter.matches(&publish.message, &publish.attributes))
    }

    pub(super) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw.eq_ignore_ascii_case("true"))
    }

    /// Whether its endpoint is one that nothing is sent to from here.
    pub(super) fn is_outside(&self) -> bool {
        OUTSIDE.contains(&self.protocol.as_str()) && self.token.is_none()
    }

    /// Where what cannot be delivered goes: a queue's ARN.
    pub(super) fn dead_letter(&self) -> Option<String> {
        dead_letter(self.attributes.get("RedrivePolicy")?)
    }

    /// As it was written down, with its filter read again. Journals were written before endpoints had to confirm, and before
    /// their policies were read.
    pub(super) fn restored(mut self) -> Result<Self, ApiError> {
        if self.token.is_none() && address::is_here(&self.protocol, &self.endpoint) {
            self.token = Some(address::token());
        }
        if self.delivery_policy().is_some_and(|policy| DeliveryPolicy::parse(policy).is_err()) {
            self.attributes.remove("DeliveryPolicy");
        }
        self.set(&BTreeMap::new())?;
        Ok(self)
    }
}

fn dead_letter(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let arn = policy.get("deadLetterTargetArn")?.as_str()?;
    arn.starts_with("arn:").then(|| arn.to_owned())
}

fn check_endpoint(protocol: &str, endpoint: &str, fifo: bool) -> Result<(), ApiError> {
    let is_arn = |service: &str| endpoint.starts_with("arn:") && endpoint.split(':').nth(2) == Some(service);
    match protocol {
        "sqs" if !is_arn("sqs") => Err(invalid("SQS endpoint ARN")),
        "sqs" if endpoint.ends_with(".fifo") && !fifo => Err(invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        )),
        "sqs" => Ok(()),
        "lambda" if !is_arn("lambda") => Err(invalid("Lambda endpoint ARN")),
        "lambda" => Ok(()),
        _ if fifo => Err(invalid("Invalid protocol type: a FIFO topic delivers to queues")),
        "http" | "https" if !endpoint.starts_with(&format!("{protocol}://")) => {
            Err(invalid("Endpoint must match the specified protocol"))
        }
        "email" | "email-json" if !endpoint.contains('@') => Err(invalid("Email address")),
        "sms" if !is_phone_number(endpoint) => {
            Err(ApiError::caller("InvalidParameter", format!("Invalid SMS endpoint: {endpoint}")))
        }
        known if OUTSIDE.contains(&known) => Ok(()),
        other => Err(invalid(&format!("Amazon SNS does not support this protocol string: {other}"))),
    }
}

/// Digits, perhaps with a plus before them and single signs between them.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let groups: Vec<_> = digits.split(['-', '.', '/', ' ']).collect();
    groups.iter().all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()))
}
