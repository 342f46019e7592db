//! Where messages are: in their line, hidden until a moment, or gone; and which of a FIFO queue's groups are open.

use std::collections::{BTreeSet, VecDeque};

use super::{Message, State, parts::Place};
use crate::clock::Moment;

/// The messages of a group in a FIFO queue.
#[derive(Default)]
pub(super) struct Group {
    pub(super) waiting: VecDeque<u64>,
    /// How many were received and not deleted.
    pub(super) in_flight: usize,
    /// Those that are not to be seen yet.
    pub(super) delayed: BTreeSet<u64>,
}

impl Group {
    /// The message that is next in the order, when it may be received: none of the group is in flight, and none that was
    /// sent before it is delayed.
    pub(super) fn next(&self) -> Option<u64> {
        self.waiting.front().copied().filter(|_| self.in_flight == 0).filter(|key| self.is_first(*key))
    }

    fn is_first(&self, key: u64) -> bool {
        self.delayed.first().is_none_or(|delayed| key < *delayed)
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0 && self.delayed.is_empty()
    }
}

impl State {
    /// Shows what is to be seen again, forgets what is too old.
    pub(super) fn settle(&mut self, now: Moment) {
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
    pub(super) fn next(&mut self) -> Option<u64> {
        if self.held.is_some() {
            return self.next_released();
        }
        if !self.attributes.fifo {
            return self.waiting.pop_front();
        }
        loop {
            let name = self.open.front()?;
            // What this receive took already does not stand in the way of what follows it in the group.
            let group = self.groups.get_mut(name);
            let next = group.and_then(|group| {
                group.waiting.pop_front_if(|key| group.delayed.first().is_none_or(|delayed| *key < *delayed))
            });
            if next.is_some() {
                return next;
            }
            self.open.pop_front();
        }
    }

    /// After a receive no group that has a message in flight is open: the rest of it waits for that one.
    pub(super) fn close_groups(&mut self) {
        let Self { open, groups, .. } = self;
        open.retain(|name| groups.get(name).is_some_and(|group| group.next().is_some()));
        groups.retain(|_, group| !group.is_empty());
    }

    pub(super) fn hide(&mut self, key: u64, place: Place) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        message.place = place;
        if let Place::Delayed(until) | Place::InFlight(until, _) = place {
            self.timers.insert((until, key));
        }
        self.in_flight += usize::from(matches!(place, Place::InFlight(..)));
        if let Some(name) = message.group.as_ref().filter(|_| self.attributes.fifo) {
            let group = self.groups.entry(name.clone()).or_default();
            match place {
                Place::InFlight(..) => group.in_flight += 1,
                Place::Delayed(_) => drop(group.delayed.insert(key)),
                Place::Waiting => {}
            }
        }
    }

    pub(super) fn unhide(&mut self, key: u64) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        let (Place::Delayed(until) | Place::InFlight(until, _)) = message.place else { return };
        let was = message.place;
        self.in_flight -= usize::from(matches!(was, Place::InFlight(..)));
        message.place = Place::Waiting;
        self.timers.remove(&(until, key));
        if let Some(group) = message.group.as_ref().and_then(|name| self.groups.get_mut(name)) {
            match was {
                Place::InFlight(..) => group.in_flight = group.in_flight.saturating_sub(1),
                _ => drop(group.delayed.remove(&key)),
            }
        }
    }

    /// Puts a message into its line: a standard queue's at the end, a group's by its place in the order.
    pub(super) fn show(&mut self, key: u64) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        message.place = Place::Waiting;
        // A group in a standard queue is for fairness among tenants, and keeps no order.
        let Some(name) = message.group.clone().filter(|_| self.attributes.fifo) else {
            self.waiting.push_back(key);
            return;
        };
        let group = self.groups.entry(name.clone()).or_default();
        let at = group.waiting.partition_point(|other| *other < key);
        group.waiting.insert(at, key);
        self.reopen(name);
    }

    fn reopen(&mut self, name: String) {
        let ready = self.groups.get(&name).is_some_and(|group| group.next().is_some());
        if ready && !self.open.contains(&name) {
            self.open.push_back(name);
        }
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Message> {
        let waits = self.messages.get(&key)?.place == Place::Waiting;
        self.unhide(key);
        let message = self.messages.remove(&key)?;
        if let Some(journal) = &self.journal {
            journal.remove(key);
        }
        self.expiries.remove(&(message.sent_at + self.attributes.retention, key));
        // Only what is too old leaves out of its line, and mostly from its front; what is deleted was taken out of it when it
        // was received.
        match message.group.as_ref().filter(|_| self.attributes.fifo) {
            None if waits => leave(&mut self.waiting, key),
            None => {}
            Some(name) => {
                if let Some(group) = self.groups.get_mut(name).filter(|_| waits) {
                    leave(&mut group.waiting, key);
                }
                self.reopen(name.clone());
            }
        }
        Some(*message)
    }
}

/// Takes a message out of its line.
fn leave(line: &mut VecDeque<u64>, key: u64) {
    if line.pop_front_if(|first| *first == key).is_none() {
        line.retain(|other| *other != key);
    }
}
