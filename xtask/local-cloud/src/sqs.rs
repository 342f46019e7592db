//! SQS: standard and FIFO queues.

pub(crate) mod actions;
mod attributes;
pub(crate) mod check;
mod errors;
mod inspect;
pub(crate) mod journal;
mod message;
mod move_task;
pub(crate) mod query;
mod queue;
mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

pub use attributes::Attributes;
pub use inspect::Lying;
pub use message::{MessageAttribute, NewMessage, Receive, Received, Sent};
pub use queue::Queue;
pub use state::Counts;

use ::journal::Journal;

use self::journal::{QueueJournal, SavedQueue};
use crate::{account::Account, activity::Stream, chaos::Chaos, clock::Clock, wire::ApiError};
use move_task::MoveTasks;

/// All queues of the account, as seen from one region. Clones share them.
#[derive(Clone)]
pub struct Sqs {
    account: Account,
    inner: Arc<Inner>,
}

struct Inner {
    activity: Stream,
    clock: Clock,
    chaos: Chaos,
    journal: Option<Journal>,
    /// By ARN.
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
    move_tasks: MoveTasks,
    /// The queues as the template has them.
    described: Mutex<Vec<Described>>,
}

/// A queue as its template has it.
struct Described {
    queue: Arc<Queue>,
    attributes: Attributes,
    tags: BTreeMap<String, String>,
}

impl Sqs {
    /// An account without queues. With a journal, what happens to them is written down there.
    #[must_use]
    pub fn new(account: Account, clock: Clock, activity: Stream, chaos: Chaos, journal: Option<Journal>) -> Self {
        let inner = Inner {
            activity,
            clock,
            chaos,
            journal,
            queues: RwLock::default(),
            move_tasks: MoveTasks::default(),
            described: Mutex::default(),
        };
        Self { account, inner: Arc::new(inner) }
    }

    /// The same queues, as seen from another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { account: self.account.in_region(region), inner: Arc::clone(&self.inner) }
    }

    /// Makes a queue, or answers the one of that name with the same attributes.
    ///
    /// # Errors
    /// When name or attributes are not possible, or there is such a queue with other attributes.
    pub fn create_queue(
        &self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        tags: &BTreeMap<String, String>,
    ) -> Result<Arc<Queue>, ApiError> {
        let read = Attributes::read(name, attributes)?;
        let arn = self.account.arn("sqs", name);
        self.check_redrive_of(&arn, &read)?;
        let mut queues = self.queues_mut();
        if let Some(known) = queues.get(&arn) {
            let (ours, theirs) = (known.attributes().tell(), read.tell());
            // What is not given is not asked for.
            let other = attributes.keys().find(|name| ours.get(*name) != theirs.get(*name));
            return match other {
                Some(other) => Err(errors::queue_exists(other)),
                None => Ok(Arc::clone(known)),
            };
        }
        Ok(self.put(&mut queues, name, read, tags.clone()))
    }

    /// Adds a queue, in this region.
    fn put(
        &self,
        queues: &mut BTreeMap<String, Arc<Queue>>,
        name: &str,
        attributes: Attributes,
        tags: BTreeMap<String, String>,
    ) -> Arc<Queue> {
        let arn = self.account.arn("sqs", name);
        let journal = self.inner.journal.as_ref().map(|journal| QueueJournal::new(journal, arn.clone()));
        let queue = Arc::new(Queue::new(self.clone(), &self.account, name, attributes, tags, journal));
        queues.insert(arn, Arc::clone(&queue));
        queue
    }

    /// Adds and changes queues, until those of another account are here too. They keep their messages, and what calls changed
    /// in them where the template did not.
    pub(crate) fn grow(&self, wanted: &Self) {
        let wanted = wanted.all();
        let mut described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queues = self.queues_mut();
        for new in wanted {
            let (attributes, tags) = (new.attributes(), new.tags());
            let known = described.iter_mut().find(|known| known.queue.arn() == new.arn());
            let same = known.as_ref().is_some_and(|known| known.attributes == attributes && known.tags == tags);
            let queue = match queues.get(new.arn()).cloned() {
                Some(queue) if same => queue,
                Some(queue) => {
                    queue.redefine(attributes.clone(), tags.clone());
                    queue
                }
                None => self.put(&mut queues, new.name(), attributes.clone(), tags.clone()),
            };
            let new = Described { queue, attributes, tags };
            match known {
                Some(known) => *known = new,
                None => described.push(new),
            }
        }
    }

    /// Removes the template's queues that another account does not have, with all they hold.
    pub(crate) fn shrink(&self, wanted: &Self) {
        let mut described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        described.retain(|Described { queue, .. }| {
            let stays = wanted.by_arn(queue.arn()).is_some();
            if !stays {
                self.delete_queue(queue.name());
            }
            stays
        });
    }

    /// Removes a queue with all it holds.
    pub fn delete_queue(&self, name: &str) {
        if let Some(queue) = self.queues_mut().remove(&self.account.arn("sqs", name)) {
            queue.forget();
        }
    }

    /// The queue of this name, in this region.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Arc<Queue>> {
        self.by_arn(&self.account.arn("sqs", name))
    }

    /// The queue of this ARN, in any region.
    #[must_use]
    pub fn by_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        self.queues().get(arn).cloned()
    }

    /// The queue at this URL; as with AWS, only its last part says which.
    #[must_use]
    pub fn by_url(&self, url: &str) -> Option<Arc<Queue>> {
        self.by_name(url.rsplit('/').next()?)
    }

    /// All queues of this region, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Queue>> {
        let region = &self.account.region;
        self.queues().values().filter(|queue| queue.region() == region).cloned().collect()
    }

    /// Remembers the queues that there are, for [`Sqs::reset`], and gives them back what they held before.
    pub(crate) fn described(&self, saved: &mut BTreeMap<String, SavedQueue>) -> Result<(), ApiError> {
        let describe = |queue: &Arc<Queue>| Described {
            queue: Arc::clone(queue),
            attributes: queue.attributes(),
            tags: queue.tags(),
        };
        let described = self.queues().values().map(describe).collect();
        *self.inner.described.lock().unwrap_or_else(PoisonError::into_inner) = described;
        for (arn, saved) in std::mem::take(saved) {
            let queue = match (self.by_arn(&arn), &saved.definition) {
                (Some(queue), _) => queue,
                (None, Some((attributes, tags))) => {
                    let (region, name) = (arn.split(':').nth(3), arn.rsplit(':').next());
                    let there = self.in_region(region.unwrap_or_default());
                    there.create_queue(name.unwrap_or_default(), &attributes.tell(), tags)?
                }
                (None, None) => continue,
            };
            queue.restore(saved);
        }
        Ok(())
    }

    /// Makes everything as the template has it: its queues, empty, and no others.
    pub(crate) fn reset(&self) {
        let described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queues = self.queues_mut();
        for queue in queues.values().filter(|queue| !described.iter().any(|known| Arc::ptr_eq(&known.queue, queue))) {
            queue.forget();
        }
        *queues = described.iter().map(|known| (known.queue.arn().to_owned(), Arc::clone(&known.queue))).collect();
        drop(queues);
        described.iter().for_each(|Described { queue, attributes, tags }| queue.reset(attributes, tags));
    }

    /// Says what is wrong with a queue's dead-letter queue.
    fn check_redrive(&self, queue: &Queue, attributes: &Attributes) -> Result<(), ApiError> {
        self.in_region(queue.region()).check_redrive_of(queue.arn(), attributes)
    }

    fn check_redrive_of(&self, source: &str, attributes: &Attributes) -> Result<(), ApiError> {
        let Some(redrive) = &attributes.redrive else { return Ok(()) };
        let shown =
            serde_json::json!({ "deadLetterTargetArn": redrive.target, "maxReceiveCount": redrive.max_receives });
        let wrong = |reason: &str| Err(errors::out_of_range("RedrivePolicy", &shown, reason));
        let Some(target) = self.by_arn(&redrive.target) else {
            let reason = "Dead letter target does not exist.";
            return Err(ApiError::named("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", reason));
        };
        if target.is_fifo() != attributes.fifo {
            return wrong("Dead-letter queue must be same type of queue as the source.");
        }
        if target.region() != self.account.region {
            return wrong("Dead-letter target must be in the region of its source.");
        }
        if target.attributes().redrive_allow.is_some_and(|allow| !allow.admits(source)) {
            return wrong("The dead-letter queue's RedriveAllowPolicy does not admit this source.");
        }
        Ok(())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn chaos(&self) -> &Chaos {
        &self.inner.chaos
    }

    pub(crate) fn activity(&self) -> &Stream {
        &self.inner.activity
    }

    fn queues(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.inner.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn queues_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.inner.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}
