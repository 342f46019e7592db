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
    pub headers: Headers,
    /// The route that it took, such as `GET /plans/{id}`.
    pub route: String,
}

/// Headers, in one piece of memory of their own. The map that they come in holds the whole buffer that they were read into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Box<[u8]>);

impl From<&http::HeaderMap> for Headers {
    fn from(headers: &http::HeaderMap) -> Self {
        let length = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum();
        let mut lines = Vec::with_capacity(length);
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value.as_bytes());
            lines.push(b'\n');
        }
        Self(lines.into_boxed_slice())
    }
}

impl Headers {
    /// Each name with its value, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (http::HeaderName, http::HeaderValue)> {
        // No name has a colon, and no value a line's end.
        let lines = self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((line.get(..colon)?, line.get(colon + 1..)?))
        });
        lines.filter_map(|(name, value)| {
            Some((http::HeaderName::from_bytes(name).ok()?, http::HeaderValue::from_bytes(value).ok()?))
        })
    }
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
    /// Keeps a copy. Bytes that are shared hold the whole buffer that they were read into, which may be much longer.
    #[must_use]
    pub fn copied(payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref();
        let kept = if payload.len() <= LONGEST { Bytes::copy_from_slice(payload) } else { Bytes::new() };
        Self { bytes: kept, length: payload.len() }
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
        let head = self.head.as_ref().map_or(0, |head| head.headers.0.len() + head.target.len());
        size_of::<Self>() + self.payload.bytes.len() + self.answer.bytes.len() + head + self.attributes.len() * 128
    }
}
