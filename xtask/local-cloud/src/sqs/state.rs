//! What a queue holds: a state machine without a clock of its own, so that time is an argument.
//!
//! A message is waiting, hidden until a moment (delayed, or received and not deleted), or gone. Moments lie in one ordered
//! set, so that neither sending nor receiving looks at more than it moves. In a FIFO queue a group with a message in flight
//! gives out no other, and one that is delayed holds up those behind it.

mod attempt;
mod inspect;
#[cfg(test)]
mod model;
pub(super) mod parts;
mod place;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

pub(super) use inspect::Standing;
pub use parts::Counts;
pub(super) use parts::{Incoming, Message, MessageParts};

use super::{Attributes, Sent, journal::QueueJournal};
use crate::clock::Moment;
use attempt::Attempts;
use parts::Place;
use place::Group;

/// How long a FIFO queue knows repeats.
const DEDUPLICATION: Duration = Duration::from_secs(300);

/// As many messages a queue may have given out and not had back.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MOST_IN_FLIGHT: usize = 120_000;
/// From so many receives on, a message of a standard queue is left out of the age of the oldest.
const RECEIVES_OUT_OF_AGE: u32 = 3;

/// As long a message may be hidden altogether, from its receive on.
pub(super) const LONGEST_HIDDEN: Duration = Duration::from_secs(43_200);

/// What a receipt still stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receipt {
    /// The message is hidden by this very receipt.
    Current,
    /// The time is over, or the message was received again.
    Expired,
    /// The message is gone.
    Gone,
}

/// What a queue holds.
pub(super) struct State {
    pub(super) attributes: Attributes,
    /// By their numbers, so the oldest first. In boxes: a tree that moves whole messages would hold twice the memory.
    messages: BTreeMap<u64, Box<Message>>,
    /// Waiting messages of a standard queue, the oldest first.
    waiting: VecDeque<u64>,
    /// When hidden messages are to be seen.
    timers: BTreeSet<(Moment, u64)>,
    /// When messages are too old.
    expiries: BTreeSet<(Moment, u64)>,
    groups: HashMap<String, Group>,
    /// Groups that have a message to give out.
    open: VecDeque<String>,
    /// What was sent under a deduplication id.
    known: HashMap<String, Sent>,
    /// The same ids, the oldest first.
    forgettable: VecDeque<(Moment, String)>,
    last: u64,
    last_receipt: u64,
    in_flight: usize,
    /// What receives of a FIFO queue gave out, by the id that their callers gave them.
    attempts: Attempts,
    /// Of a queue that is held, the messages that may be received all the same.
    held: Option<BTreeSet<u64>>,
    /// Is told of each change, when the queue outlives the process.
    journal: Option<QueueJournal>,
}

impl State {
    pub(super) fn new(attributes: Attributes, journal: Option<QueueJournal>) -> Self {
        Self {
            attributes,
            messages: BTreeMap::new(),
            waiting: VecDeque::new(),
            timers: BTreeSet::new(),
            expiries: BTreeSet::new(),
            groups: HashMap::new(),
            open: VecDeque::new(),
            known: HashMap::new(),
            forgettable: VecDeque::new(),
            last: 0,
            last_receipt: 0,
            in_flight: 0,
            attempts: Attempts::default(),
            held: None,
            journal,
        }
    }

    /// What was sent under this deduplication id, if that is not long ago.
    pub(super) fn repeat(&mut self, id: &str, group: Option<&str>, now: Moment) -> Option<Sent> {
        while let Some((_, id)) = self.forgettable.pop_front_if(|(at, _)| now >= *at + DEDUPLICATION) {
            self.known.remove(&id);
        }
        self.known.get(&self.scoped(id, group)).cloned()
    }

    /// A deduplication id, apart from those of other groups where the queue looks at each group by itself.
    fn scoped(&self, id: &str, group: Option<&str>) -> String {
        match group.filter(|_| self.attributes.by_group) {
            // No id and no group has a space.
            Some(group) => format!("{group} {id}"),
            None => id.to_owned(),
        }
    }

    /// Tells the journal what the queue is.
    pub(super) fn tell(&self, tags: &BTreeMap<String, String>) {
        if let Some(journal) = &self.journal {
            journal.queue(&self.attributes, tags);
        }
    }

    /// Tells the journal that the queue is gone, and then nothing more.
    pub(super) fn forget(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.gone();
        }
    }

    /// The sequence number of the next message: twenty digits, growing.
    pub(super) fn next_sequence(&self) -> String {
        format!("{:020}", 18_850_000_000_000_000_000_u128 + u128::from(self.last))
    }

    pub(super) fn put(&mut self, incoming: Incoming, now: Moment) {
        self.last += 1;
        let (key, Incoming { message: parts, delay }) = (self.last, incoming);
        if let Some(id) = &parts.deduplication {
            let id = self.scoped(id, parts.group.as_deref());
            if let Some(journal) = &self.journal {
                journal.known(now, &id, &parts.sent);
            }
            self.known.insert(id.clone(), parts.sent.clone());
            self.forgettable.push_back((now, id));
        }
        let message = Message {
            sent: parts.sent,
            body: parts.body,
            attributes: parts.attributes,
            group: parts.group,
            deduplication: parts.deduplication,
            trace_header: parts.trace_header,
            sent_at: parts.sent_at,
            first_received_at: None,
            received_at: None,
            receives: 0,
            source: parts.source,
            place: if delay.is_zero() { Place::Waiting } else { Place::Delayed(now + delay) },
        };
        if let Some(journal) = &self.journal {
            journal.put(key, &message);
        }
        self.place(key, message);
    }

    /// Takes a message in as it is, where it is.
    fn place(&mut self, key: u64, message: Message) {
        let place = message.place;
        self.expiries.insert((message.sent_at + self.attributes.retention, key));
        self.messages.insert(key, Box::new(message));
        if place == Place::Waiting { self.show(key) } else { self.hide(key, place) }
    }

    /// The next moment at which something is to be seen again.
    pub(super) fn next_timer(&self) -> Option<Moment> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes up to `max` messages and hides them. A message that was received too often is answered apart: it goes to the
    /// dead-letter queue.
    pub(super) fn take(
        &mut self,
        max: usize,
        visibility: Duration,
        now: Moment,
    ) -> (Vec<(Message, u64, u64)>, Vec<Message>) {
        self.settle(now);
        let (mut taken, mut given_up) = (Vec::new(), Vec::new());
        while taken.len() < max && !self.is_full() {
            let Some(key) = self.next() else { break };
            let most = self.attributes.redrive.as_ref().map(|redrive| redrive.max_receives);
            let receives = self.messages.get(&key).map_or(0, |message| message.receives);
            if most.is_some_and(|most| receives >= most) {
                given_up.extend(self.remove(key));
                continue;
            }
            self.last_receipt += 1;
            let receipt = self.last_receipt;
            self.hide(key, Place::InFlight(now + visibility, receipt));
            if let Some(message) = self.messages.get_mut(&key) {
                message.receives += 1;
                message.first_received_at.get_or_insert(now);
                message.received_at = Some(now);
                if let Some(journal) = &self.journal {
                    journal.put(key, message);
                }
                taken.push((Message::clone(message), key, receipt));
            }
        }
        self.close_groups();
        (taken, given_up)
    }

    /// Whether it gave out as many messages as it may.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= MOST_IN_FLIGHT
    }

    /// Takes back what was kept when the process before this one ended.
    pub(super) fn restore(&mut self, messages: BTreeMap<u64, Message>, known: Vec<(Moment, String, Sent)>) {
        for (at, id, sent) in known {
            self.known.insert(id.clone(), sent);
            self.forgettable.push_back((at, id));
        }
        for (key, message) in messages {
            self.last = self.last.max(key);
            if let Place::InFlight(_, receipt) = message.place {
                self.last_receipt = self.last_receipt.max(receipt);
            }
            if let Some(journal) = &self.journal {
                journal.put(key, &message);
            }
            self.place(key, message);
        }
        self.close_groups();
    }

    /// Changes the attributes; that messages are kept longer or shorter holds for those that are there too.
    pub(super) fn change(&mut self, attributes: Attributes) {
        let kept = self.attributes.retention;
        self.attributes = attributes;
        if kept != self.attributes.retention {
            let (messages, retention) = (&self.messages, self.attributes.retention);
            self.expiries = messages.iter().map(|(key, message)| (message.sent_at + retention, *key)).collect();
        }
    }

    /// When the oldest message was sent that `ApproximateAgeOfOldestMessage` counts: one that is visible or in flight, and in
    /// a standard queue was received less than three times. AWS moves others to the back of a standard queue.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>
    pub(super) fn oldest(&mut self, now: Moment) -> Option<Moment> {
        self.settle(now);
        let fifo = self.attributes.fifo;
        // All are kept equally long, so that the first to be too old is the oldest.
        let by_age = self.expiries.iter().filter_map(|(_, key)| self.messages.get(key));
        let mut counted = by_age.filter(|message| {
            !matches!(message.place, Place::Delayed(_)) && (fifo || message.receives < RECEIVES_OUT_OF_AGE)
        });
        counted.next().map(|message| message.sent_at)
    }

    /// When a message was received, if it is hidden by this very receipt.
    pub(super) fn received_at(&self, key: u64) -> Option<Moment> {
        self.messages.get(&key)?.received_at
    }

    pub(super) fn receipt(&mut self, key: u64, receipt: u64, now: Moment) -> Receipt {
        self.settle(now);
        match self.messages.get(&key).map(|message| message.place) {
            None => Receipt::Gone,
            Some(Place::InFlight(_, current)) if current == receipt => Receipt::Current,
            Some(_) => Receipt::Expired,
        }
    }

    /// Deletes a message, unless it was received again since.
    pub(super) fn delete(&mut self, key: u64, receipt: u64) {
        let again = match self.messages.get(&key).map(|message| message.place) {
            Some(Place::InFlight(_, current)) => current != receipt,
            _ => false,
        };
        if !again {
            self.remove(key);
        }
    }

    /// Whether a message was received and is hidden.
    pub(super) fn is_in_flight(&self, key: u64) -> bool {
        self.messages.get(&key).is_some_and(|message| matches!(message.place, Place::InFlight(..)))
    }

    /// Takes the oldest message that waits out of the queue, for another one.
    pub(super) fn give_away(&mut self, now: Moment) -> Option<Message> {
        self.settle(now);
        let key = self.next()?;
        let message = self.remove(key);
        self.close_groups();
        message
    }

    /// Says until when a message that is in flight stays hidden.
    pub(super) fn retime(&mut self, key: u64, until: Moment, now: Moment) {
        let Some(Place::InFlight(_, receipt)) = self.messages.get(&key).map(|message| message.place) else { return };
        self.unhide(key);
        if until <= now {
            self.show(key)
        } else {
            self.hide(key, Place::InFlight(until, receipt))
        }
        if let (Some(journal), Some(message)) = (&self.journal, self.messages.get(&key)) {
            journal.put(key, message);
        }
    }

    /// Forgets all messages; what was sent under a deduplication id stays known.
    pub(super) fn purge(&mut self) {
        if let Some(journal) = &self.journal {
            journal.purge();
        }
        let empty = Self::new(self.attributes.clone(), self.journal.take());
        let old = std::mem::replace(self, empty);
        self.last = old.last;
        self.last_receipt = old.last_receipt;
        self.held = old.held.map(|_| BTreeSet::new());
        self.known = old.known;
        self.forgettable = old.forgettable;
    }

    /// Forgets everything, as if it were new.
    pub(super) fn reset(&mut self, attributes: Attributes) {
        self.purge();
        self.known.clear();
        self.forgettable.clear();
        self.held = None;
        self.attributes = attributes;
    }

    /// Whether a receive would find something now.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.open.is_empty()
    }

    pub(super) fn counts(&mut self, now: Moment) -> Counts {
        self.settle(now);
        // Whatever is hidden has its timer.
        let hidden = self.timers.len();
        Counts {
            visible: self.messages.len().saturating_sub(hidden),
            in_flight: self.in_flight,
            delayed: hidden.saturating_sub(self.in_flight),
        }
    }
}
