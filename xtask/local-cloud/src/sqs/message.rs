//! Messages, as they are sent and received.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A message attribute: text or bytes, with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, perhaps with a label behind a dot.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    pub text: Option<String>,
    /// The value of a `Binary`.
    pub binary: Option<Vec<u8>>,
}

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// What it says.
    pub body: String,
    /// What stands on it.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// How long it stays hidden; the queue's delay without.
    pub delay: Option<Duration>,
    /// Its group, in a FIFO queue.
    pub group_id: Option<String>,
    /// By what repeats are known, in a FIFO queue.
    pub deduplication_id: Option<String>,
    /// X-Ray's header.
    pub trace_header: Option<String>,
}

/// What is known of a message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// SQS's id of the message.
    pub message_id: String,
    /// The checksum of its body.
    pub md5_of_body: String,
    /// The checksum of its attributes.
    pub md5_of_attributes: Option<String>,
    /// The checksum of its system attributes.
    pub md5_of_system_attributes: Option<String>,
    /// Its place in a FIFO queue.
    pub sequence_number: Option<String>,
}

/// What to receive.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// At most so many messages, 1 to 10.
    pub max: usize,
    /// How long to wait for the first.
    pub wait: Duration,
    /// How long they are hidden; the queue's time without.
    pub visibility: Option<Duration>,
}

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// SQS's id of the message.
    pub message_id: String,
    /// By which it is deleted; new at each receive.
    pub receipt_handle: String,
    /// What it says.
    pub body: String,
    /// The checksum of its body.
    pub md5_of_body: String,
    /// What SQS knows of it.
    pub attributes: BTreeMap<String, String>,
    /// What stands on it.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

impl MessageAttribute {
    /// A text attribute.
    pub fn text(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), text: Some(value.into()), binary: None }
    }

    /// As Lambda's event has it.
    pub(crate) fn event_json(&self) -> Value {
        let mut json = Map::new();
        if let Some(text) = &self.text {
            json.insert("stringValue".to_owned(), json!(text));
        }
        if let Some(bytes) = &self.binary {
            use base64::{Engine, engine::general_purpose::STANDARD};
            json.insert("binaryValue".to_owned(), json!(STANDARD.encode(bytes)));
        }
        json.insert("stringListValues".to_owned(), json!([]));
        json.insert("binaryListValues".to_owned(), json!([]));
        json.insert("dataType".to_owned(), json!(self.data_type));
        Value::Object(json)
    }

    /// How many bytes it counts.
    pub(crate) fn size(&self) -> usize {
        self.data_type.len() + self.text.as_ref().map_or(0, String::len) + self.binary.as_ref().map_or(0, Vec::len)
    }
}

impl NewMessage {
    /// How many bytes the message counts, its attributes included.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(|(name, value)| name.len() + value.size()).sum::<usize>()
    }
}
