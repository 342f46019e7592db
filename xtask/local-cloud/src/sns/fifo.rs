//! What a FIFO topic knows of what was published: the order, and what is a repeat.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html>

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::Published;
use crate::clock::Moment;

/// How long a topic knows repeats.
const DEDUPLICATION: Duration = Duration::from_secs(300);

/// The order and the repeats of one topic.
#[derive(Default)]
pub(super) struct Fifo {
    last: u64,
    known: HashMap<String, Published>,
    /// The same ids, the oldest first.
    forgettable: VecDeque<(Moment, String)>,
}

impl Fifo {
    /// What was published under this id, if that is not long ago.
    pub(super) fn repeat(&mut self, id: &str, now: Moment) -> Option<Published> {
        while let Some((_, id)) = self.forgettable.pop_front_if(|(at, _)| now >= *at + DEDUPLICATION) {
            self.known.remove(&id);
        }
        self.known.get(id).cloned()
    }

    /// The number of the next message: twenty digits, growing.
    pub(super) fn next(&mut self) -> String {
        self.last += 1;
        format!("{:020}", 10_000_000_000_000_000_000_u128 + u128::from(self.last))
    }

    pub(super) fn remember(&mut self, id: String, published: Published, now: Moment) {
        self.known.insert(id.clone(), published);
        self.forgettable.push_back((now, id));
    }
}
