//! What a person does to a queue: looks without receiving, holds it, lets single messages through, takes one out.

use std::collections::BTreeSet;

use super::{Message, State, parts::Place};
use crate::{clock::Moment, wire::md5};

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqs) enum Standing {
    /// It waits to be received.
    Waiting,
    /// It was sent with a delay, and is seen from then on.
    Delayed(Moment),
    /// It was received, and is seen again from then on.
    InFlight(Moment),
}

impl State {
    /// The oldest messages, at most so many, without receiving them.
    pub(in crate::sqs) fn look(&mut self, most: usize, now: Moment) -> Vec<(u64, Message, Standing)> {
        self.settle(now);
        let standing = |message: &Message| match message.place {
            Place::Waiting => Standing::Waiting,
            Place::Delayed(until) => Standing::Delayed(until),
            Place::InFlight(until, _) => Standing::InFlight(until),
        };
        let oldest = self.messages.iter().take(most);
        oldest.map(|(key, message)| (*key, Message::clone(message), standing(message))).collect()
    }

    /// Takes a message out, wherever it is.
    pub(in crate::sqs) fn pull(&mut self, key: u64) -> Option<Message> {
        self.remove(key)
    }

    /// Gives a message another body; answers whether it is there.
    pub(in crate::sqs) fn rewrite(&mut self, key: u64, body: String) -> bool {
        let Some(message) = self.messages.get_mut(&key) else { return false };
        message.sent.md5_of_body = md5::body(&body);
        message.body = body;
        if let Some(journal) = &self.journal {
            journal.put(key, message);
        }
        true
    }

    /// Whether it gives out only what is released.
    pub(in crate::sqs) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// From now on it gives out only what is released, or all.
    pub(in crate::sqs) fn hold(&mut self, hold: bool) {
        self.held = if hold { Some(self.held.take().unwrap_or_default()) } else { None };
    }

    /// Lets one message of a held queue through, once; answers whether it is there.
    pub(in crate::sqs) fn release(&mut self, key: u64) -> bool {
        let there = self.messages.contains_key(&key);
        if let Some(released) = self.held.as_mut().filter(|_| there) {
            released.insert(key);
        }
        there
    }

    /// The next message that may be received from a held queue, out of its line. A group's order holds here too.
    pub(super) fn next_released(&mut self) -> Option<u64> {
        let Self { held, messages, groups, waiting, .. } = self;
        let released: &mut BTreeSet<u64> = held.as_mut()?;
        released.retain(|key| messages.contains_key(key));
        let ready = |key: &u64| {
            messages.get(key).is_some_and(|message| {
                message.place == Place::Waiting
                    && message
                        .group
                        .as_ref()
                        .is_none_or(|name| groups.get(name).is_some_and(|group| group.next() == Some(*key)))
            })
        };
        let key = released.iter().copied().find(ready)?;
        released.remove(&key);
        match messages.get(&key).and_then(|message| message.group.as_ref()).and_then(|name| groups.get_mut(name)) {
            Some(group) => drop(group.waiting.pop_front()),
            None => waiting.retain(|other| *other != key),
        }
        Some(key)
    }
}
