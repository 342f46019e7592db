//! One queue: sending, receiving, deleting.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    Attributes, NewMessage, Receive, Received, Sent, Sqs, check,
    errors::{bad_receipt, expired_receipt, not_in_flight, out_of_range, over_limit, purge_in_progress},
    journal::{QueueJournal, SavedQueue},
    state::{Counts, Incoming, LONGEST_HIDDEN, Message, MessageParts, Receipt, State},
};
use crate::{
    account::Account,
    activity::{Stream, What},
    chaos::Fault,
    clock::{Clock, Moment},
    record::{Cause, Hop, Kind, Payload, Recorder},
    wire::{ApiError, md5},
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

    /// Sends a message.
    ///
    /// # Errors
    /// When it is too long, empty, or lacks what a FIFO queue needs.
    pub fn send(&self, message: NewMessage) -> Result<Sent, ApiError> {
        let now = self.clock.now();
        let mut state = self.state();
        check::message(&message, self.fifo, &state.attributes)?;
        let deduplication = self.fifo.then(|| {
            message.deduplication_id.clone().unwrap_or_else(|| format!("{:x}", Sha256::digest(message.body.as_bytes())))
        });
        let known = deduplication.as_ref().and_then(|id| state.repeat(id, message.group_id.as_deref(), now));
        let sent = Sent {
            md5_of_body: md5::body(&message.body),
            md5_of_attributes: md5::attributes(&message.attributes),
            md5_of_system_attributes: message.trace_header.as_ref().and_then(|trace| {
                let attribute = super::MessageAttribute::text(trace);
                md5::attributes(&BTreeMap::from([("AWSTraceHeader".to_owned(), attribute)]))
            }),
            message_id: known.as_ref().map_or_else(|| Uuid::new_v4().to_string(), |known| known.message_id.clone()),
            sequence_number: match &known {
                Some(known) => known.sequence_number.clone(),
                None => self.fifo.then(|| state.next_sequence()),
            },
        };
        if known.is_some() {
            // It is answered for by the message that is there, with the checksums of what came: clients compare them.
            return Ok(sent);
        }
        let delay = message.delay.unwrap_or(state.attributes.delay) + self.lateness();
        let parts = MessageParts {
            sent: sent.clone(),
            body: message.body,
            attributes: message.attributes,
            group: message.group_id,
            deduplication,
            trace_header: message.trace_header,
            sent_at: now,
            source: None,
        };
        self.keep(&parts);
        if !self.fifo && self.sqs.chaos().strikes(Fault::Duplicate, &self.name) {
            state.put(Incoming { message: parts.clone(), delay }, now);
        }
        state.put(Incoming { message: parts, delay }, now);
        drop(state);
        self.arrived.notify_waiters();
        self.activity.tell(What::Sent { queue: self.name.clone(), message_id: sent.message_id.clone() }, None);
        Ok(sent)
    }

    /// Records a message that was sent, before anyone can have it.
    fn keep(&self, message: &MessageParts) {
        let (cause, recorder) = (Cause::current(), self.recorder());
        let (number, journeys) = cause.next(recorder);
        recorder.keep(Hop {
            journeys,
            message_id: Some(message.sent.message_id.clone()),
            payload: Payload::copied(&message.body),
            attributes: message.attributes.clone(),
            group: message.group.clone(),
            ..Hop::new(number, Kind::Sent, &cause.from, &self.node(), "message".to_owned())
        });
    }

    /// How late a fault makes the next message; a FIFO queue keeps its order whatever happens.
    fn lateness(&self) -> Duration {
        let late = if self.fifo { None } else { self.sqs.chaos().delay(&self.name) };
        late.unwrap_or_default()
    }

    /// Receives messages, waiting for the first as long as it is said. Who waits is woken by the message, not by a clock.
    ///
    /// # Errors
    /// When a standard queue has given out as many messages as it may, and nobody wants to wait.
    pub async fn receive(&self, request: Receive) -> Result<Vec<Received>, ApiError> {
        let until = self.clock.now() + request.wait;
        loop {
            // Listens before it looks, so that nothing comes in between.
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let (received, next) = self.try_receive(request);
            if received.is_empty() && request.wait.is_zero() && !self.fifo && self.state().is_full() {
                return Err(over_limit("Too many messages in flight"));
            }
            if !received.is_empty() || self.clock.now() >= until {
                return Ok(received);
            }
            let wake = next.map_or(until, |next| next.min(until));
            tokio::select! {
                () = &mut arrived => {}
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    fn try_receive(&self, request: Receive) -> (Vec<Received>, Option<Moment>) {
        let now = self.clock.now();
        let mut state = self.state();
        let visibility = request.visibility.unwrap_or(state.attributes.visibility);
        let (taken, given_up) = state.take(request.max, visibility, now);
        let received: Vec<_> =
            taken.into_iter().map(|(message, key, receipt)| self.received(message, key, receipt)).collect();
        let next = state.next_timer();
        let target = state.attributes.redrive.as_ref().map(|redrive| redrive.target.clone());
        drop(state);
        if !received.is_empty() {
            // Others may take what is left, and must know when what was taken is to be seen again.
            self.arrived.notify_waiters();
        }
        for message in given_up {
            self.give_up(message, target.as_deref().unwrap_or_default());
        }
        (received, next)
    }

    /// Moves a message to the dead-letter queue, as it is.
    fn give_up(&self, message: Message, target: &str) {
        let Some(queue) = self.sqs.by_arn(target) else { return };
        let message_id = message.sent.message_id.clone();
        let now = self.clock.now();
        let parts = MessageParts {
            sent: message.sent,
            body: message.body,
            attributes: message.attributes,
            group: message.group,
            deduplication: None,
            trace_header: message.trace_header,
            // A standard queue's message keeps its age, one of a FIFO queue begins anew.
            sent_at: if self.fifo { now } else { message.sent_at },
            source: Some(self.arn.clone()),
        };
        let recorder = self.recorder();
        let number = recorder.next();
        let journeys = recorder.journeys_of(std::iter::once(message_id.as_str()));
        recorder.keep(Hop {
            journeys: if journeys.is_empty() { vec![number] } else { journeys },
            message_id: Some(message_id.clone()),
            ..Hop::new(number, Kind::GivenUp, &self.node(), &queue.node(), "given up".to_owned())
        });
        queue.take_over(parts);
        let (from, to) = (self.name.clone(), queue.name.clone());
        self.activity.tell(What::DeadLettered { queue: from, to, message_id }, None);
    }

    /// Takes a message that another queue gave away.
    pub(super) fn take_over(&self, message: MessageParts) {
        self.state().put(Incoming { message, delay: Duration::ZERO }, self.clock.now());
        self.arrived.notify_waiters();
    }

    /// Gives its oldest waiting message away, with where it came from.
    pub(super) fn give_away(&self) -> Option<MessageParts> {
        let now = self.clock.now();
        let message = self.state().give_away(now)?;
        Some(MessageParts {
            sent: Sent { message_id: Uuid::new_v4().to_string(), ..message.sent },
            body: message.body,
            attributes: message.attributes,
            group: message.group,
            deduplication: None,
            trace_header: message.trace_header,
            sent_at: now,
            source: message.source,
        })
    }

    fn received(&self, message: Message, key: u64, receipt: u64) -> Received {
        let first = message.first_received_at.unwrap_or(message.sent_at).as_millis();
        let mut attributes = BTreeMap::from(
            [
                ("ApproximateReceiveCount", message.receives.to_string()),
                ("SentTimestamp", message.sent_at.as_millis().to_string()),
                ("SenderId", self.account.clone()),
                ("ApproximateFirstReceiveTimestamp", first.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let optional = [
            ("MessageGroupId", message.group),
            ("MessageDeduplicationId", message.deduplication),
            ("SequenceNumber", message.sent.sequence_number),
            ("AWSTraceHeader", message.trace_header),
            ("DeadLetterQueueSourceArn", message.source),
        ];
        attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Received {
            message_id: message.sent.message_id,
            receipt_handle: URL_SAFE_NO_PAD.encode(format!("{}#{key}#{receipt}", self.name)),
            body: message.body,
            md5_of_body: message.sent.md5_of_body,
            attributes,
            message_attributes: message.attributes,
        }
    }

    /// Deletes a message. A message that is gone already is no error.
    ///
    /// # Errors
    /// When the handle is not one of this queue's, or of a FIFO queue and its time is over.
    pub fn delete(&self, receipt_handle: &str) -> Result<(), ApiError> {
        let (key, receipt) = self.parse(receipt_handle)?;
        let mut state = self.state();
        if self.fifo && state.receipt(key, receipt, self.clock.now()) == Receipt::Expired {
            return Err(expired_receipt());
        }
        state.delete(key, receipt);
        let more = state.has_waiting();
        drop(state);
        if more {
            // The group behind the message may be open now.
            self.arrived.notify_waiters();
        }
        Ok(())
    }

    /// Says how long from now a received message stays hidden.
    ///
    /// # Errors
    /// When the handle is not one of this queue's, the message is not hidden any more (of a FIFO queue: by this handle), or
    /// it would be hidden for more than 12 hours since it was received.
    pub fn change_visibility(&self, receipt_handle: &str, timeout: Duration) -> Result<(), ApiError> {
        let (key, receipt) = self.parse(receipt_handle)?;
        if timeout > LONGEST_HIDDEN {
            let reason = "Must be between 0 and 43200, if provided.";
            return Err(out_of_range("VisibilityTimeout", timeout.as_secs(), reason));
        }
        let now = self.clock.now();
        let mut state = self.state();
        match state.receipt(key, receipt, now) {
            Receipt::Current => {}
            Receipt::Expired if self.fifo => return Err(expired_receipt()),
            // An older handle of a message that was received again still speaks for it.
            Receipt::Expired if state.is_in_flight(key) => {}
            Receipt::Expired | Receipt::Gone => return Err(not_in_flight()),
        }
        let received = state.received_at(key).unwrap_or(now);
        if now + timeout > received + LONGEST_HIDDEN {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
            return Err(out_of_range("VisibilityTimeout", timeout.as_secs(), reason));
        }
        state.retime(key, now + timeout, now);
        drop(state);
        // Whoever waits counts from the new moment.
        self.arrived.notify_waiters();
        Ok(())
    }

    /// Whether a message is still hidden by this very receive.
    #[must_use]
    pub fn is_current(&self, receipt_handle: &str) -> bool {
        let now = self.clock.now();
        self.parse(receipt_handle)
            .is_ok_and(|(key, receipt)| self.state().receipt(key, receipt, now) == Receipt::Current)
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

    fn parse(&self, handle: &str) -> Result<(u64, u64), ApiError> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(handle).ok()?).ok()?;
            let mut parts = text.split('#');
            let own = parts.next()? == self.name;
            let (key, receipt) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            own.then_some((key, receipt))
        };
        read().ok_or_else(|| bad_receipt(handle))
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
