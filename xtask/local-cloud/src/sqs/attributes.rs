//! A queue's attributes.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::{invalid_attribute, invalid_attribute_value, invalid_value};
use crate::wire::ApiError;

/// A queue's attributes, read and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// How long a received message is hidden, unless it is said otherwise.
    pub visibility: Duration,
    /// How long a message stays hidden after it was sent.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long a receive waits, unless it is said otherwise.
    pub wait: Duration,
    /// How long a message may be, its attributes included, in bytes.
    pub longest: usize,
    /// When and where messages are given up.
    pub redrive: Option<Redrive>,
    /// Which queues may give messages up to it; all of this account and region without.
    pub redrive_allow: Option<RedriveAllow>,
    /// Whether a FIFO queue knows repeats by their content.
    pub by_content: bool,
    /// Whether a FIFO queue looks for repeats in each group by itself.
    pub by_group: bool,
    /// What has no effect here and is only told again: policies, encryption.
    pub told: BTreeMap<String, String>,
}

/// When and where messages are given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The dead-letter queue's ARN.
    pub target: String,
    /// How often a message may be received.
    pub max_receives: u32,
}

/// Attributes that are kept and told, and change nothing here.
const TOLD: [&str; 4] = ["Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];

impl Attributes {
    /// Reads the attributes of a new queue.
    pub(super) fn read(name: &str, given: &BTreeMap<String, String>) -> Result<Self, ApiError> {
        let fifo = given.get("FifoQueue").is_some_and(|value| value == "true");
        let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
        let stem = stem.ok_or_else(|| invalid_value("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."))?;
        let fits = (1..=80).contains(&name.len())
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !fits {
            return Err(invalid_value(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        let mut attributes = Self {
            fifo,
            visibility: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_secs(4 * 24 * 3600),
            wait: Duration::ZERO,
            longest: 1_048_576,
            redrive: None,
            redrive_allow: None,
            by_content: false,
            by_group: false,
            told: BTreeMap::new(),
        };
        attributes.told.insert("SqsManagedSseEnabled".to_owned(), "true".to_owned());
        attributes.change(given)?;
        Ok(attributes)
    }

    /// Changes what is given, all of it or, on a mistake, nothing.
    pub(super) fn change(&mut self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let mut changed = self.clone();
        for (name, value) in given {
            changed.set(name, value)?;
        }
        if changed.told.get("FifoThroughputLimit").is_some_and(|limit| limit == "perMessageGroupId")
            && !changed.by_group
        {
            return Err(invalid_value(
                "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
            ));
        }
        *self = changed;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let number = |least: u64, most: u64| {
            let number = value.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| invalid_attribute_value(name))
        };
        let seconds = |least, most| number(least, most).map(Duration::from_secs);
        match name {
            "VisibilityTimeout" => self.visibility = seconds(0, 43_200)?,
            "DelaySeconds" => self.delay = seconds(0, 900)?,
            "MessageRetentionPeriod" => self.retention = seconds(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = seconds(0, 20)?,
            "MaximumMessageSize" => self.longest = usize::try_from(number(1024, 1_048_576)?).unwrap_or(1_048_576),
            // A queue is made as what it is, and stays that.
            "FifoQueue" if self.fifo && value == "true" => {}
            "ContentBasedDeduplication" if self.fifo => {
                self.by_content = one_of(name, value, ["true", "false"])? == "true"
            }
            "DeduplicationScope" if self.fifo => {
                self.by_group = one_of(name, value, ["queue", "messageGroup"])? == "messageGroup";
            }
            "FifoThroughputLimit" if self.fifo => {
                let value = one_of(name, value, ["perQueue", "perMessageGroupId"])?;
                self.told.insert(name.to_owned(), value.to_owned());
            }
            // Some tools write an empty policy where they mean none.
            "RedrivePolicy" if value.is_empty() || value == "{}" => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(Redrive::read(value)?),
            "RedriveAllowPolicy" if !value.is_empty() => {
                let allow = RedriveAllow::read(value)?;
                self.redrive_allow = Some(allow);
            }
            "RedriveAllowPolicy" => self.redrive_allow = None,
            _ if TOLD.contains(&name) && value.is_empty() => {
                self.told.remove(name);
            }
            _ if TOLD.contains(&name) => {
                self.told.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(invalid_attribute(name)),
        }
        Ok(())
    }

    /// The attributes as `GetQueueAttributes` names them.
    pub(crate) fn tell(&self) -> BTreeMap<String, String> {
        let mut all = self.told.clone();
        let seconds = |time: Duration| time.as_secs().to_string();
        all.extend(
            [
                ("VisibilityTimeout", seconds(self.visibility)),
                ("DelaySeconds", seconds(self.delay)),
                ("MessageRetentionPeriod", seconds(self.retention)),
                ("ReceiveMessageWaitTimeSeconds", seconds(self.wait)),
                ("MaximumMessageSize", self.longest.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if self.fifo {
            all.insert("FifoQueue".to_owned(), "true".to_owned());
            all.insert("ContentBasedDeduplication".to_owned(), self.by_content.to_string());
            let scope = if self.by_group { "messageGroup" } else { "queue" };
            all.insert("DeduplicationScope".to_owned(), scope.to_owned());
            all.entry("FifoThroughputLimit".to_owned()).or_insert_with(|| "perQueue".to_owned());
        }
        if let Some(allow) = &self.redrive_allow {
            all.insert("RedriveAllowPolicy".to_owned(), allow.text.clone());
        }
        if let Some(Redrive { target, max_receives }) = &self.redrive {
            let policy = serde_json::json!({ "deadLetterTargetArn": target, "maxReceiveCount": max_receives });
            all.insert("RedrivePolicy".to_owned(), policy.to_string());
        }
        all
    }
}

impl Redrive {
    fn read(text: &str) -> Result<Self, ApiError> {
        let wrong = || {
            invalid_value(
                "Value for parameter RedrivePolicy is invalid. Reason: it needs deadLetterTargetArn and maxReceiveCount (1 to 1000).",
            )
        };
        let policy: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).ok_or_else(wrong)?;
        let count = policy.get("maxReceiveCount").ok_or_else(wrong)?;
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).filter(|count| (1..=1000).contains(count));
        let max_receives = u32::try_from(count.ok_or_else(wrong)?).map_err(|_| wrong())?;
        Ok(Self { target: target.to_owned(), max_receives })
    }
}

/// Which queues may give messages up to this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveAllow {
    /// The ARNs of those that may; nothing where all or none may.
    pub sources: Vec<String>,
    /// Whether those that are not named may.
    pub all: bool,
    /// The policy as it was given.
    text: String,
}

impl RedriveAllow {
    fn read(text: &str) -> Result<Self, ApiError> {
        let wrong = || {
            invalid_value(
                "Value for parameter RedriveAllowPolicy is invalid. Reason: it needs redrivePermission allowAll, denyAll or \
                 byQueue, and with the last sourceQueueArns.",
            )
        };
        let policy: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let arns = policy.get("sourceQueueArns").and_then(Value::as_array).into_iter().flatten();
        let sources: Vec<_> = arns.filter_map(Value::as_str).map(str::to_owned).collect();
        let all = match policy.get("redrivePermission").and_then(Value::as_str).ok_or_else(wrong)? {
            "allowAll" if sources.is_empty() => true,
            "denyAll" if sources.is_empty() => false,
            "byQueue" if (1..=10).contains(&sources.len()) => false,
            _ => return Err(wrong()),
        };
        Ok(Self { sources, all, text: text.to_owned() })
    }

    /// Whether the queue of this ARN may give messages up here.
    pub(super) fn admits(&self, source: &str) -> bool {
        self.all || self.sources.iter().any(|known| known == source)
    }
}

/// One of two words, and nothing else.
fn one_of<'a>(name: &str, value: &'a str, words: [&str; 2]) -> Result<&'a str, ApiError> {
    if words.contains(&value) { Ok(value) } else { Err(invalid_attribute_value(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, given: &[(&str, &str)]) -> Result<Attributes, ApiError> {
        Attributes::read(name, &given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn names_and_values_are_checked() {
        assert!(read("a-b_1", &[]).is_ok() && read("a.fifo", &[("FifoQueue", "true")]).is_ok());
        assert!(read("a.b", &[]).is_err() && read("a", &[("FifoQueue", "true")]).is_err());
        assert!(
            read("a", &[("VisibilityTimeout", "43200")]).is_ok()
                && read("a", &[("VisibilityTimeout", "43201")]).is_err()
        );
        assert!(read("a", &[("Colour", "red")]).is_err() && read("a", &[("RedrivePolicy", "[]")]).is_err());
    }
}
