//! What a queue holds: messages, and where each of them is.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    sqs::{MessageAttribute, Sent},
};

/// A message in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sqs) struct Message {
    pub(in crate::sqs) sent: Sent,
    pub(in crate::sqs) body: String,
    pub(in crate::sqs) attributes: BTreeMap<String, MessageAttribute>,
    pub(in crate::sqs) group: Option<String>,
    pub(in crate::sqs) deduplication: Option<String>,
    pub(in crate::sqs) trace_header: Option<String>,
    /// From here its age counts.
    pub(in crate::sqs) sent_at: Moment,
    pub(in crate::sqs) first_received_at: Option<Moment>,
    pub(in crate::sqs) received_at: Option<Moment>,
    pub(in crate::sqs) receives: u32,
    /// The queue that gave it up.
    pub(in crate::sqs) source: Option<String>,
    pub(super) place: Place,
}

/// Where a message is. Messages that are kept elsewhere are hidden until the moment that stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    Waiting,
    /// Sent and not to be seen yet.
    Delayed(Moment),
    /// Received, by this receipt.
    InFlight(Moment, u64),
}

/// A message that is to be kept, without its place.
pub(in crate::sqs) struct Incoming {
    pub(in crate::sqs) message: MessageParts,
    pub(in crate::sqs) delay: Duration,
}

/// The parts of a message that the queue does not choose.
#[derive(Clone)]
pub(in crate::sqs) struct MessageParts {
    pub(in crate::sqs) sent: Sent,
    pub(in crate::sqs) body: String,
    pub(in crate::sqs) attributes: BTreeMap<String, MessageAttribute>,
    pub(in crate::sqs) group: Option<String>,
    pub(in crate::sqs) deduplication: Option<String>,
    pub(in crate::sqs) trace_header: Option<String>,
    pub(in crate::sqs) sent_at: Moment,
    pub(in crate::sqs) source: Option<String>,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting to be received.
    pub visible: usize,
    /// Received and not deleted.
    pub in_flight: usize,
    /// Sent and not to be seen yet.
    pub delayed: usize,
}
