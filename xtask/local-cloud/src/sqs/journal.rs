//! What is written down of queues, so that they outlive the process.

use std::collections::BTreeMap;

use journal::Journal;
use serde::{Deserialize, Serialize};

use super::{Attributes, Sent, state::parts::Message};
use crate::clock::Moment;

/// Writes down what happens to one queue.
#[derive(Clone)]
pub(super) struct QueueJournal {
    journal: Journal,
    arn: String,
}

/// One thing that happened to a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    queue: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// The queue is this.
    Is { attributes: Attributes, tags: BTreeMap<String, String> },
    /// The queue was deleted.
    Gone,
    /// A message is there, as it is now.
    Put(u64, Box<Message>),
    /// A message is gone.
    Removed(u64),
    /// All messages are gone.
    Purged,
    /// Something was sent under a deduplication id.
    Known(Moment, String, Sent),
}

/// What is known of a queue of the process before this one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SavedQueue {
    pub(super) definition: Option<(Attributes, BTreeMap<String, String>)>,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) known: Vec<(Moment, String, Sent)>,
}

impl QueueJournal {
    pub(super) fn new(journal: &Journal, arn: String) -> Self {
        Self { journal: journal.clone(), arn }
    }

    pub(super) fn queue(&self, attributes: &Attributes, tags: &BTreeMap<String, String>) {
        self.write(What::Is { attributes: attributes.clone(), tags: tags.clone() });
    }

    pub(super) fn gone(&self) {
        self.write(What::Gone);
    }

    pub(super) fn put(&self, key: u64, message: &Message) {
        self.write(What::Put(key, Box::new(message.clone())));
    }

    pub(super) fn remove(&self, key: u64) {
        self.write(What::Removed(key));
    }

    pub(super) fn purge(&self) {
        self.write(What::Purged);
    }

    pub(super) fn known(&self, at: Moment, id: &str, sent: &Sent) {
        self.write(What::Known(at, id.to_owned(), sent.clone()));
    }

    fn write(&self, what: What) {
        self.journal.write_as("queue", &Entry { queue: self.arn.clone(), what });
    }
}

/// Follows what was written down, in its order.
pub(crate) fn follow(queues: &mut BTreeMap<String, SavedQueue>, Entry { queue, what }: Entry) {
    let saved = queues.entry(queue.clone()).or_default();
    match what {
        What::Is { attributes, tags } => saved.definition = Some((attributes, tags)),
        What::Gone => {
            queues.remove(&queue);
        }
        What::Put(key, message) => {
            saved.messages.insert(key, *message);
        }
        What::Removed(key) => {
            saved.messages.remove(&key);
        }
        What::Purged => saved.messages.clear(),
        What::Known(at, id, sent) => saved.known.push((at, id, sent)),
    }
}
