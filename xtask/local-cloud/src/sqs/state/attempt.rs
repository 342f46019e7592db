//! `ReceiveRequestAttemptId`: who did not get the answer of a receive asks again, and gets the same messages.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{Message, Receipt, State, parts::Place};
use crate::clock::Moment;

/// How long a receive can be repeated.
const REPEATABLE: Duration = Duration::from_secs(300);

/// What receives gave out, by their ids: each message's key and receipt.
#[derive(Default)]
pub(super) struct Attempts {
    given: HashMap<String, Vec<(u64, u64)>>,
    /// The same ids, the oldest first.
    forgettable: VecDeque<(Moment, String)>,
}

impl State {
    /// What the receive of this id gave out, hidden anew for so long. Nothing when there was none, when it is long ago, or
    /// when none of its messages is still hidden by it: then it is a receive like any other.
    pub(in crate::sqs) fn take_again(
        &mut self,
        id: &str,
        visibility: Duration,
        now: Moment,
    ) -> Vec<(Message, u64, u64)> {
        while let Some((_, id)) = self.attempts.forgettable.pop_front_if(|(at, _)| now >= *at + REPEATABLE) {
            self.attempts.given.remove(&id);
        }
        let given = self.attempts.given.get(id).cloned().unwrap_or_default();
        let still: Vec<_> =
            given.into_iter().filter(|(key, receipt)| self.receipt(*key, *receipt, now) == Receipt::Current).collect();
        let again = |(key, receipt): (u64, u64)| {
            self.unhide(key);
            self.hide(key, Place::InFlight(now + visibility, receipt));
            let message = self.messages.get_mut(&key)?;
            message.received_at = Some(now);
            if let Some(journal) = &self.journal {
                journal.put(key, message);
            }
            Some((Message::clone(message), key, receipt))
        };
        still.into_iter().filter_map(again).collect()
    }

    /// Remembers what a receive gave out. A new one under an id that was used takes the old one's place.
    pub(in crate::sqs) fn remember(&mut self, id: &str, taken: &[(Message, u64, u64)], now: Moment) {
        let given = taken.iter().map(|(_, key, receipt)| (*key, *receipt)).collect();
        if self.attempts.given.insert(id.to_owned(), given).is_some() {
            self.attempts.forgettable.retain(|(_, known)| known != id);
        }
        self.attempts.forgettable.push_back((now, id.to_owned()));
    }
}
