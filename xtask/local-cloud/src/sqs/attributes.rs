//! A queue's attributes.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::errors::{invalid_attribute, invalid_value};
use crate::wire::ApiError;

/// A queue's attributes, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether a FIFO queue knows repeats by their content.
    pub by_content: bool,
    /// What has no effect here and is only told again: policies, encryption.
    pub told: BTreeMap<String, String>,
}

/// When and where messages are given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue's ARN.
    pub target: String,
    /// How often a message may be received.
    pub max_receives: u32,
}

/// Attributes that are kept and told, and change nothing here.
const TOLD: [&str; 8] = [
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "RedriveAllowPolicy",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "FifoQueue",
];

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
            by_content: false,
            told: BTreeMap::new(),
        };
        attributes.change(given)?;
        Ok(attributes)
    }

    /// Changes what is given, all of it or, on a mistake, nothing.
    pub(super) fn change(&mut self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let mut changed = self.clone();
        for (name, value) in given {
            changed.set(name, value)?;
        }
        *self = changed;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let number = |least: u64, most: u64| {
            let number = value.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| invalid_value(format!("Invalid value for the parameter {name}.")))
        };
        let seconds = |least, most| number(least, most).map(Duration::from_secs);
        match name {
            "VisibilityTimeout" => self.visibility = seconds(0, 43_200)?,
            "DelaySeconds" => self.delay = seconds(0, 900)?,
            "MessageRetentionPeriod" => self.retention = seconds(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = seconds(0, 20)?,
            "MaximumMessageSize" => self.longest = usize::try_from(number(1024, 1_048_576)?).unwrap_or(1_048_576),
            "ContentBasedDeduplication" => self.by_content = value == "true",
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(Redrive::read(value)?),
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
        assert!(read("a", &[("Colour", "red")]).is_err() && read("a", &[("RedrivePolicy", "{}")]).is_err());
    }
}
