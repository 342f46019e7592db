//! One step of an event.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde::Serialize;

use super::Trace;
use crate::sqs::MessageAttribute;

/// So much of a payload is kept, in bytes: as much as a topic takes.
const LONGEST: usize = 256 << 10;

/// The kinds of hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The HTTP API answered a request.
    Request,
    /// A topic took a message.
    Published,
    /// A queue took a message.
    Sent,
    /// A queue gave a message up, to its dead-letter queue.
    GivenUp,
    /// A function ran.
    Invoked,
    /// Something happened outside of the cloud.
    Noted,
}

/// One step of an event.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// Its number, growing; the number of a journey is that of its first hop.
    pub number: u64,
    /// The journeys that it belongs to.
    pub journeys: Vec<u64>,
    /// What it was.
    pub kind: Kind,
    /// The node that it came from.
    pub from: String,
    /// The node that it came to.
    pub to: String,
    /// What people call it.
    pub label: String,
    /// When it was over, since the epoch, in milliseconds.
    pub at_ms: u64,
    /// How long it took, in milliseconds, where it is something that takes time.
    pub took_ms: Option<f64>,
    /// What went wrong.
    pub error: Option<String>,
    /// Lambda's id of the invocation, or SNS's or SQS's of the message.
    pub message_id: Option<String>,
    /// What it carried.
    #[serde(skip)]
    pub payload: Payload,
    /// What was answered.
    #[serde(skip)]
    pub answer: Payload,
    /// The request's line and headers.
    #[serde(skip)]
    pub head: Option<RequestHead>,
    /// The message's attributes.
    #[serde(skip)]
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The message's group, in a FIFO queue or topic.
    #[serde(skip)]
    pub group: Option<String>,
    /// Where it stands in its trace.
    #[serde(skip)]
    pub trace: Trace,
    /// When it was over, since the epoch, in nanoseconds.
    #[serde(skip)]
    pub at_ns: u64,
    /// The status that a request was answered with.
    #[serde(skip)]
    pub status: Option<u16>,
}

/// A request's line and headers.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// `GET`, `POST`, ...
    pub method: http::Method,
    /// Path and query.
    pub target: String,
    /// As they came.
    pub headers: http::HeaderMap,
    /// The route that it took, such as `GET /plans/{id}`.
    pub route: String,
}

/// What a hop carried, as far as it is kept.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// The bytes; empty when it was too long to keep.
    pub bytes: Bytes,
    /// How long it was, in bytes.
    pub length: usize,
}

impl Payload {
    /// Keeps bytes that are shared anyway.
    #[must_use]
    pub fn shared(bytes: &Bytes) -> Self {
        let kept = if bytes.len() <= LONGEST { bytes.clone() } else { Bytes::new() };
        Self { bytes: kept, length: bytes.len() }
    }

    /// Keeps a copy.
    #[must_use]
    pub fn copied(text: &str) -> Self {
        let kept = if text.len() <= LONGEST { Bytes::copy_from_slice(text.as_bytes()) } else { Bytes::new() };
        Self { bytes: kept, length: text.len() }
    }

    /// Whether all of it is kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.bytes.len() == self.length
    }
}

/// The machine's time, which also a clock that is ahead does not change: journeys are measured by it.
fn epoch_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

impl Hop {
    /// A hop that is over now, without what not every hop has.
    pub(crate) fn new(number: u64, kind: Kind, from: &str, to: &str, label: String) -> Self {
        let at_ns = epoch_ns();
        Self {
            number,
            journeys: vec![number],
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            label,
            at_ms: at_ns / 1_000_000,
            took_ms: None,
            error: None,
            message_id: None,
            payload: Payload::default(),
            answer: Payload::default(),
            head: None,
            attributes: BTreeMap::new(),
            group: None,
            trace: Trace::default(),
            at_ns,
            status: None,
        }
    }

    pub(crate) fn took(mut self, took: Duration) -> Self {
        self.took_ms = Some(took.as_secs_f64() * 1000.0);
        self
    }

    /// Whether a journey begins here.
    pub(crate) fn begins(&self) -> bool {
        self.journeys == [self.number]
    }

    /// How much memory it takes, about, in bytes.
    pub(super) fn size(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.headers.len() * 64 + head.target.len());
        size_of::<Self>() + self.payload.bytes.len() + self.answer.bytes.len() + head + self.attributes.len() * 128
    }
}
