//! What a running cloud can be told, beside calls of AWS's protocols.

use std::time::Duration;

use journal::Journal;

use crate::{
    alarms::Alarms,
    clock::{Clock, TooFar},
    lambda::Lambda,
    live::Live,
    sns::Sns,
    sqs::Sqs,
};

/// What can be done with a running cloud beside asking it as one asks AWS. Clones are of the same cloud.
#[derive(Clone)]
pub struct Control {
    /// Its time.
    pub clock: Clock,
    /// Its functions.
    pub lambda: Lambda,
    /// Its queues.
    pub sqs: Sqs,
    /// Its alarms.
    pub alarms: Alarms,
    pub(crate) sns: Sns,
    pub(crate) journal: Option<Journal>,
    pub(crate) notice: Live<Option<String>>,
}

impl Control {
    /// Shows a text at the head of the console, or nothing any more.
    pub fn notice(&self, text: Option<String>) {
        self.notice.set(text);
    }

    /// Puts the clock forward, and wakes whoever waited for that; how far it is ahead of the machine's.
    ///
    /// # Errors
    /// When it would be ahead by more than ten years.
    pub fn advance(&self, by: Duration) -> Result<Duration, TooFar> {
        let ahead = self.clock.advance(by)?;
        if let Some(journal) = &self.journal {
            journal.write_as("ahead", &ahead);
        }
        Ok(ahead)
    }

    /// Makes queues and topics as the template has them: empty, and no others. Events that functions work on go on.
    pub fn reset(&self) {
        self.sqs.reset();
        self.sns.reset();
    }
}
