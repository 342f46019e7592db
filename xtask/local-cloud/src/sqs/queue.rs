//! One queue: what it is, and what is done with all that it holds.

mod receive;
mod send;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    Attributes, Sqs,
    errors::purge_in_progress,
    journal::{QueueJournal, SavedQueue},
    state::{Counts, State},
};
use crate::{
    account::Account,
    activity::Stream,
    clock::{Clock, Moment},
    record::Recorder,
    wire::ApiError,
};

/// How long after one purge another is refused.
const PURGING: Duration = Duration::from_secs(60);

/// A queue of SQS.
pub struct Queue {
    sqs: Sqs,
    name: String,
    arn: String,
    url: String,
    fifo: bool,
    account: String,
    region: String,
    activity: Stream,
    clock: Clock,
    created: Moment,
    about: Mutex<About>,
    state: Mutex<State>,
    /// Wakes those who wait for a message.
    arrived: Notify,
}

/// What is known of a queue beside its messages.
#[derive(Clone, Debug, Default)]
struct About {
    tags: BTreeMap<String, String>,
    modified: Moment,
    purged: Option<Moment>,
}

impl Queue {
    pub(super) fn new(
        sqs: Sqs,
        account: &Account,
        name: &str,
        attributes: Attributes,
        tags: BTreeMap<String, String>,
        journal: Option<QueueJournal>,
    ) -> Self {
        let (clock, activity) = (sqs.clock().clone(), sqs.activity().clone());
        if let Some(journal) = &journal {
            journal.queue(&attributes, &tags);
        }
        let created = clock.now();
        Self {
            sqs,
            name: name.to_owned(),
            arn: account.arn("sqs", name),
            url: format!("{}/{}/{name}", account.endpoint, account.id),
            fifo: attributes.fifo,
            account: account.id.clone(),
            region: account.region.clone(),
            activity,
            created,
            clock,
            about: Mutex::new(About { tags, modified: created, purged: None }),
            state: Mutex::new(State::new(attributes, journal)),
            arrived: Notify::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it keeps the order of groups.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.fifo
    }

    /// How long a received message is hidden, unless it is said otherwise.
    #[must_use]
    pub fn visibility_timeout(&self) -> Duration {
        self.state().attributes.visibility
    }

    /// The region that it is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How many messages it holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts(self.clock.now())
    }

    /// When its oldest message was sent, that is not delayed.
    pub(crate) fn oldest(&self) -> Option<Moment> {
        self.state().oldest(self.clock.now())
    }

    /// When it was made, and when its attributes were changed last.
    pub(super) fn times(&self) -> (Moment, Moment) {
        (self.created, self.about().modified)
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        self.about().tags.clone()
    }

    pub(super) fn change_tags(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        let mut about = self.about();
        change(&mut about.tags);
        let tags = about.tags.clone();
        drop(about);
        self.state().tell(&tags);
    }

    /// Its attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.state().attributes.clone()
    }

    pub(super) fn change_attributes(&self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let mut attributes = self.attributes();
        attributes.change(given)?;
        self.sqs.check_redrive(self, &attributes)?;
        let tags = {
            let mut about = self.about();
            about.modified = self.clock.now();
            about.tags.clone()
        };
        let mut state = self.state();
        state.change(attributes);
        state.tell(&tags);
        Ok(())
    }

    /// Throws all messages away.
    pub(super) fn purge(&self) -> Result<(), ApiError> {
        let now = self.clock.now();
        let mut about = self.about();
        if about.purged.is_some_and(|purged| now < purged + PURGING) {
            return Err(purge_in_progress(&self.name));
        }
        about.purged = Some(now);
        drop(about);
        self.state().purge();
        Ok(())
    }

    /// Makes it as a template has it, with the messages that it holds.
    pub(super) fn redefine(&self, attributes: Attributes, tags: BTreeMap<String, String>) {
        let modified = self.clock.now();
        {
            let mut about = self.about();
            (about.tags, about.modified) = (tags.clone(), modified);
        }
        let mut state = self.state();
        state.change(attributes);
        state.tell(&tags);
        drop(state);
        // Whoever waits counts from what holds now.
        self.arrived.notify_waiters();
    }

    /// Makes it as it was when its template was made.
    pub(super) fn reset(&self, attributes: &Attributes, tags: &BTreeMap<String, String>) {
        *self.about() = About { tags: tags.clone(), modified: self.created, purged: None };
        let mut state = self.state();
        state.reset(attributes.clone());
        state.tell(tags);
    }

    /// Takes back what it held when the process before this one ended.
    pub(super) fn restore(&self, saved: SavedQueue) {
        self.state().restore(saved.messages, saved.known);
    }

    /// Says that it is gone, so that whoever restores does not make it again.
    pub(super) fn forget(&self) {
        self.state().forget();
    }

    /// Has those who wait look again.
    pub(super) fn wake(&self) {
        self.arrived.notify_waiters();
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where what happens to it is told.
    pub(crate) fn activity(&self) -> &Stream {
        &self.activity
    }

    /// Where what happens to it is recorded.
    pub(crate) fn recorder(&self) -> &Recorder {
        self.activity.recorder()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
