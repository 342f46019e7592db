//! What a queue holds: a state machine without a clock of its own, so that time is an argument.
//!
//! A message is waiting, hidden until a moment (delayed, or received and not deleted), or gone. Moments lie in one ordered
//! set, so that neither sending nor receiving looks at more than it moves. In a FIFO queue a group with a hidden message
//! gives out no other.

mod inspect;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

pub(super) use inspect::Standing;

use super::{Attributes, MessageAttribute, Sent};

/// How long a FIFO queue knows repeats.
const DEDUPLICATION: Duration = Duration::from_secs(300);

/// A message in the queue.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) sent: Sent,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, MessageAttribute>,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) trace_header: Option<String>,
    /// Since the epoch, in milliseconds.
    pub(super) sent_at: u128,
    pub(super) first_received_at: Option<u128>,
    pub(super) receives: u32,
    /// The queue that gave it up.
    pub(super) source: Option<String>,
    pub(super) expires: Instant,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting,
    /// Sent and not to be seen yet.
    Delayed(Instant),
    /// Received, by this receipt.
    InFlight(Instant, u64),
}

/// A message that is to be kept, without its place.
pub(super) struct Incoming {
    pub(super) message: MessageParts,
    pub(super) delay: Duration,
}

/// The parts of a message that the queue does not choose.
#[derive(Clone)]
pub(super) struct MessageParts {
    pub(super) sent: Sent,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, MessageAttribute>,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) trace_header: Option<String>,
    pub(super) sent_at: u128,
    pub(super) source: Option<String>,
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

#[derive(Default)]
struct Group {
    waiting: VecDeque<u64>,
    hidden: usize,
}

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
    messages: HashMap<u64, Message>,
    /// Waiting messages of a standard queue, the oldest first.
    waiting: VecDeque<u64>,
    /// When hidden messages are to be seen.
    timers: BTreeSet<(Instant, u64)>,
    /// When messages are too old.
    expiries: BTreeSet<(Instant, u64)>,
    groups: HashMap<String, Group>,
    /// Groups with waiting messages and no hidden one.
    open: VecDeque<String>,
    /// What was sent under a deduplication id.
    known: HashMap<String, Sent>,
    /// The same ids, the oldest first.
    forgettable: VecDeque<(Instant, String)>,
    last: u64,
    last_receipt: u64,
    /// Of a queue that is held, the messages that may be received all the same.
    held: Option<BTreeSet<u64>>,
}

impl State {
    pub(super) fn new(attributes: Attributes) -> Self {
        Self {
            attributes,
            messages: HashMap::new(),
            waiting: VecDeque::new(),
            timers: BTreeSet::new(),
            expiries: BTreeSet::new(),
            groups: HashMap::new(),
            open: VecDeque::new(),
            known: HashMap::new(),
            forgettable: VecDeque::new(),
            last: 0,
            last_receipt: 0,
            held: None,
        }
    }

    /// What was sent under this deduplication id, if that is not long ago.
    pub(super) fn repeat(&mut self, id: &str, now: Instant) -> Option<Sent> {
        while let Some((_, id)) = self.forgettable.pop_front_if(|(at, _)| now >= *at + DEDUPLICATION) {
            self.known.remove(&id);
        }
        self.known.get(id).cloned()
    }

    /// The sequence number of the next message: twenty digits, growing.
    pub(super) fn next_sequence(&self) -> String {
        format!("{:020}", 18_850_000_000_000_000_000_u128 + u128::from(self.last))
    }

    pub(super) fn put(&mut self, incoming: Incoming, now: Instant) {
        self.last += 1;
        let (key, Incoming { message: parts, delay }) = (self.last, incoming);
        if let Some(id) = &parts.deduplication {
            self.known.insert(id.clone(), parts.sent.clone());
            self.forgettable.push_back((now, id.clone()));
        }
        let expires = now + self.attributes.retention;
        let message = Message {
            sent: parts.sent,
            body: parts.body,
            attributes: parts.attributes,
            group: parts.group,
            deduplication: parts.deduplication,
            trace_header: parts.trace_header,
            sent_at: parts.sent_at,
            first_received_at: None,
            receives: 0,
            source: parts.source,
            expires,
            place: Place::Waiting,
        };
        self.messages.insert(key, message);
        self.expiries.insert((expires, key));
        if delay.is_zero() { self.show(key) } else { self.hide(key, Place::Delayed(now + delay)) }
    }

    /// The next moment at which something is to be seen again.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes up to `max` messages and hides them. A message that was received too often is answered apart: it goes to the
    /// dead-letter queue.
    pub(super) fn take(
        &mut self,
        max: usize,
        visibility: Duration,
        now: Instant,
    ) -> (Vec<(Message, u64, u64)>, Vec<Message>) {
        self.settle(now);
        let (mut taken, mut given_up) = (Vec::new(), Vec::new());
        while taken.len() < max {
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
                taken.push((message.clone(), key, receipt));
            }
        }
        self.close_groups();
        (taken, given_up)
    }

    pub(super) fn note_received(&mut self, key: u64, at: u128) -> u128 {
        self.messages.get_mut(&key).map_or(at, |message| *message.first_received_at.get_or_insert(at))
    }

    pub(super) fn receipt(&mut self, key: u64, receipt: u64, now: Instant) -> Receipt {
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

    /// Says until when a hidden message stays hidden.
    pub(super) fn retime(&mut self, key: u64, receipt: u64, until: Instant, now: Instant) {
        self.unhide(key);
        if until <= now { self.show(key) } else { self.hide(key, Place::InFlight(until, receipt)) }
    }

    pub(super) fn purge(&mut self) {
        let attributes = self.attributes.clone();
        let (last, last_receipt, held) = (self.last, self.last_receipt, self.held.take());
        *self = Self { last, last_receipt, held, ..Self::new(attributes) };
    }

    /// Whether a receive would find something now.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.open.is_empty()
    }

    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.settle(now);
        let mut counts = Counts::default();
        for message in self.messages.values() {
            match message.place {
                Place::Waiting => counts.visible += 1,
                Place::Delayed(_) => counts.delayed += 1,
                Place::InFlight(..) => counts.in_flight += 1,
            }
        }
        counts
    }

    /// Shows what is to be seen again, forgets what is too old.
    fn settle(&mut self, now: Instant) {
        while let Some((at, key)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, key));
            self.unhide(key);
            self.show(key);
        }
        while let Some((at, key)) = self.expiries.first().copied().filter(|(at, _)| *at <= now) {
            self.expiries.remove(&(at, key));
            self.remove(key);
        }
    }

    /// The next message that may be received, out of its line.
    fn next(&mut self) -> Option<u64> {
        if self.held.is_some() {
            return self.next_released();
        }
        if !self.attributes.fifo {
            return self.waiting.pop_front();
        }
        loop {
            let name = self.open.front()?.clone();
            let next = self.groups.get_mut(&name).and_then(|group| group.waiting.pop_front());
            if next.is_some() {
                return next;
            }
            self.open.pop_front();
        }
    }

    /// After a receive no group that has a hidden message is open: the rest of it waits for that one.
    fn close_groups(&mut self) {
        let Self { open, groups, .. } = self;
        open.retain(|name| groups.get(name).is_some_and(|group| group.hidden == 0 && !group.waiting.is_empty()));
        groups.retain(|_, group| group.hidden > 0 || !group.waiting.is_empty());
    }

    fn hide(&mut self, key: u64, place: Place) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        message.place = place;
        if let Place::Delayed(until) | Place::InFlight(until, _) = place {
            self.timers.insert((until, key));
        }
        if let Some(name) = &message.group {
            self.groups.entry(name.clone()).or_default().hidden += 1;
        }
    }

    fn unhide(&mut self, key: u64) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        let (Place::Delayed(until) | Place::InFlight(until, _)) = message.place else { return };
        message.place = Place::Waiting;
        self.timers.remove(&(until, key));
        if let Some(group) = message.group.as_ref().and_then(|name| self.groups.get_mut(name)) {
            group.hidden = group.hidden.saturating_sub(1);
        }
    }

    /// Puts a message into its line: a standard queue's at the end, a group's by its place in the order.
    fn show(&mut self, key: u64) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        message.place = Place::Waiting;
        let Some(name) = message.group.clone() else {
            self.waiting.push_back(key);
            return;
        };
        let group = self.groups.entry(name.clone()).or_default();
        let at = group.waiting.partition_point(|other| *other < key);
        group.waiting.insert(at, key);
        self.reopen(name);
    }

    fn reopen(&mut self, name: String) {
        let ready = self.groups.get(&name).is_some_and(|group| group.hidden == 0 && !group.waiting.is_empty());
        if ready && !self.open.contains(&name) {
            self.open.push_back(name);
        }
    }

    fn remove(&mut self, key: u64) -> Option<Message> {
        let waits = self.messages.get(&key)?.place == Place::Waiting;
        self.unhide(key);
        let message = self.messages.remove(&key)?;
        self.expiries.remove(&(message.expires, key));
        // Only what is too old leaves out of its line; what is deleted was taken out of it when it was received.
        match &message.group {
            None if waits => self.waiting.retain(|other| *other != key),
            None => {}
            Some(name) => {
                if let Some(group) = self.groups.get_mut(name).filter(|_| waits) {
                    group.waiting.retain(|other| *other != key);
                }
                self.reopen(name.clone());
            }
        }
        Some(message)
    }
}
