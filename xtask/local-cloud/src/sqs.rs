//! SQS: standard and FIFO queues, in memory.

pub(crate) mod actions;
mod attributes;
mod errors;
mod inspect;
mod message;
pub(crate) mod query;
mod queue;
mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

pub use attributes::Attributes;
pub use inspect::Lying;
pub use message::{MessageAttribute, NewMessage, Receive, Received, Sent};
pub use queue::Queue;
pub(crate) use queue::{epoch_ms, epoch_seconds};
pub use state::Counts;

use crate::{account::Account, activity::Stream, chaos::Chaos, wire::ApiError};

/// All queues of the account. Clones share them.
#[derive(Clone)]
pub struct Sqs(Arc<Inner>);

struct Inner {
    account: Account,
    activity: Stream,
    chaos: Chaos,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
}

impl Sqs {
    /// An account without queues.
    #[must_use]
    pub fn new(account: Account, activity: Stream, chaos: Chaos) -> Self {
        Self(Arc::new(Inner { account, activity, chaos, queues: RwLock::default() }))
    }

    /// Makes a queue, or answers the one of that name with the same attributes.
    ///
    /// # Errors
    /// When name or attributes are not possible, or there is such a queue with other attributes.
    pub fn create_queue(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<Arc<Queue>, ApiError> {
        let read = Attributes::read(name, attributes)?;
        if let Some(target) = read.redrive.as_ref().and_then(|redrive| self.by_arn(&redrive.target))
            && target.is_fifo() != read.fifo
        {
            return Err(errors::invalid_value("the dead-letter queue must be of the same type as its source"));
        }
        let mut queues = self.0.queues.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = queues.get(name) {
            return if known.attributes() == read { Ok(Arc::clone(known)) } else { Err(errors::queue_exists()) };
        }
        let queue = Arc::new(Queue::new(self.clone(), &self.0.account, name, read, self.0.activity.clone()));
        queues.insert(name.to_owned(), Arc::clone(&queue));
        Ok(queue)
    }

    /// Removes a queue with all it holds.
    pub fn delete_queue(&self, name: &str) {
        self.0.queues.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The queue of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Arc<Queue>> {
        self.0.queues.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The queue of this ARN.
    #[must_use]
    pub fn by_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        self.by_name(arn.rsplit(':').next()?).filter(|queue| queue.arn() == arn)
    }

    /// The queue at this URL; as with AWS, only its last part says which.
    #[must_use]
    pub fn by_url(&self, url: &str) -> Option<Arc<Queue>> {
        self.by_name(url.rsplit('/').next()?)
    }

    /// All queues, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Queue>> {
        self.0.queues.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
