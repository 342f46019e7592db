//! One queue: sending, receiving, deleting.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use super::{
    Attributes, NewMessage, Receive, Received, Sent, Sqs,
    errors::{bad_receipt, expired_receipt, invalid_value, missing, too_long},
    state::{Counts, Incoming, Message, MessageParts, Receipt, State},
};
use crate::{
    account::Account,
    activity::{Stream, What},
    chaos::Fault,
    record::{Cause, Hop, Kind, Payload, Recorder},
    wire::{ApiError, md5},
};

/// A queue of SQS.
pub struct Queue {
    sqs: Sqs,
    name: String,
    arn: String,
    url: String,
    fifo: bool,
    account: String,
    activity: Stream,
    state: Mutex<State>,
    /// Wakes those who wait for a message.
    arrived: Notify,
}

impl Queue {
    pub(super) fn new(sqs: Sqs, account: &Account, name: &str, attributes: Attributes, activity: Stream) -> Self {
        Self {
            sqs,
            name: name.to_owned(),
            arn: account.arn("sqs", name),
            url: format!("{}/{}/{name}", account.endpoint, account.id),
            fifo: attributes.fifo,
            account: account.id.clone(),
            activity,
            state: Mutex::new(State::new(attributes)),
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

    /// How many messages it holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts(Instant::now())
    }

    /// Its attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.state().attributes.clone()
    }

    pub(super) fn change_attributes(&self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        self.state().attributes.change(given)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When it is too long, empty, or lacks what a FIFO queue needs.
    pub fn send(&self, message: NewMessage) -> Result<Sent, ApiError> {
        let now = Instant::now();
        let mut state = self.state();
        self.check(&message, &state.attributes)?;
        let deduplication = self.fifo.then(|| {
            message.deduplication_id.clone().unwrap_or_else(|| format!("{:x}", Sha256::digest(message.body.as_bytes())))
        });
        if let Some(sent) = deduplication.as_ref().and_then(|id| state.repeat(id, now)) {
            return Ok(sent);
        }
        let sent = Sent {
            message_id: Uuid::new_v4().to_string(),
            md5_of_body: md5::body(&message.body),
            md5_of_attributes: md5::attributes(&message.attributes),
            sequence_number: self.fifo.then(|| state.next_sequence()),
        };
        let delay = message.delay.unwrap_or(state.attributes.delay) + self.lateness();
        let parts = MessageParts {
            sent: sent.clone(),
            body: message.body,
            attributes: message.attributes,
            group: message.group_id,
            deduplication,
            trace_header: message.trace_header,
            sent_at: epoch_ms(),
            source: None,
        };
        self.keep(&parts);
        if !self.fifo && self.sqs.0.chaos.strikes(Fault::Duplicate, &self.name) {
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
        let late = if self.fifo { None } else { self.sqs.0.chaos.delay(&self.name) };
        late.unwrap_or_default()
    }

    fn check(&self, message: &NewMessage, attributes: &Attributes) -> Result<(), ApiError> {
        if message.body.is_empty() {
            return Err(missing("MessageBody"));
        }
        if message.size() > attributes.longest {
            return Err(too_long(attributes.longest));
        }
        if message.delay.is_some_and(|delay| delay > Duration::from_secs(900)) {
            return Err(invalid_value(
                "Value for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
            ));
        }
        if message.attributes.len() > 10 {
            return Err(invalid_value("Number of message attributes exceeds the allowed maximum 10."));
        }
        for (name, id) in [("MessageGroupId", &message.group_id), ("MessageDeduplicationId", &message.deduplication_id)]
        {
            // Letters, digits and signs.
            let plain = |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
            if id.as_ref().is_some_and(|id| !plain(id)) {
                return Err(invalid_value(format!(
                    "Value for parameter {name} is invalid. Reason: {name} can only include alphanumeric and punctuation \
                     characters. 1 to 128 in length."
                )));
            }
        }
        match (self.fifo, &message.group_id) {
            (true, None) => Err(missing("MessageGroupId")),
            (true, Some(_)) if message.delay.is_some_and(|delay| !delay.is_zero()) => {
                Err(invalid_value("The request include parameter DelaySeconds that is not valid for this queue type."))
            }
            (true, Some(_)) if message.deduplication_id.is_none() && !attributes.by_content => Err(invalid_value(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            )),
            (false, _) if message.deduplication_id.is_some() => Err(invalid_value(
                "The request include parameter MessageDeduplicationId which is not valid for this queue type",
            )),
            _ => Ok(()),
        }
    }

    /// Receives messages, waiting for the first as long as it is said. Who waits is woken by the message, not by a clock.
    pub async fn receive(&self, request: Receive) -> Vec<Received> {
        let until = Instant::now() + request.wait;
        loop {
            // Listens before it looks, so that nothing comes in between.
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let (received, next) = self.try_receive(request);
            if !received.is_empty() || Instant::now() >= until {
                return received;
            }
            let wake = next.map_or(until, |next| next.min(until));
            tokio::select! {
                () = &mut arrived => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn try_receive(&self, request: Receive) -> (Vec<Received>, Option<Instant>) {
        let now = Instant::now();
        let mut state = self.state();
        let visibility = request.visibility.unwrap_or(state.attributes.visibility);
        let (taken, given_up) = state.take(request.max, visibility, now);
        let at = epoch_ms();
        let received: Vec<_> = taken
            .into_iter()
            .map(|(message, key, receipt)| {
                let first = state.note_received(key, at);
                self.received(message, key, receipt, first)
            })
            .collect();
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
        let parts = MessageParts {
            sent: message.sent,
            body: message.body,
            attributes: message.attributes,
            group: message.group,
            deduplication: None,
            trace_header: message.trace_header,
            sent_at: message.sent_at,
            source: Some(self.arn.clone()),
        };
        queue.state().put(Incoming { message: parts, delay: Duration::ZERO }, Instant::now());
        queue.arrived.notify_waiters();
        let recorder = self.recorder();
        let number = recorder.next();
        let journeys = recorder.journeys_of(std::iter::once(message_id.as_str()));
        recorder.keep(Hop {
            journeys: if journeys.is_empty() { vec![number] } else { journeys },
            message_id: Some(message_id.clone()),
            ..Hop::new(number, Kind::GivenUp, &self.node(), &queue.node(), "given up".to_owned())
        });
        let (from, to) = (self.name.clone(), queue.name.clone());
        self.activity.tell(What::DeadLettered { queue: from, to, message_id }, None);
    }

    fn received(&self, message: Message, key: u64, receipt: u64, first: u128) -> Received {
        let mut attributes = BTreeMap::from(
            [
                ("ApproximateReceiveCount", message.receives.to_string()),
                ("SentTimestamp", message.sent_at.to_string()),
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
        if self.fifo && state.receipt(key, receipt, Instant::now()) == Receipt::Expired {
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
    /// When the handle is not one of this queue's, the message is not hidden by it any more, or the time is over 12 hours.
    pub fn change_visibility(&self, receipt_handle: &str, timeout: Duration) -> Result<(), ApiError> {
        let (key, receipt) = self.parse(receipt_handle)?;
        if timeout > Duration::from_secs(43_200) {
            return Err(invalid_value(
                "Value for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200.",
            ));
        }
        let now = Instant::now();
        let mut state = self.state();
        if state.receipt(key, receipt, now) != Receipt::Current {
            let message = "The message referred to is not in flight.";
            return Err(ApiError::named("AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight", message));
        }
        state.retime(key, receipt, now + timeout, now);
        drop(state);
        // Whoever waits counts from the new moment.
        self.arrived.notify_waiters();
        Ok(())
    }

    /// Whether a message is still hidden by this very receive.
    #[must_use]
    pub fn is_current(&self, receipt_handle: &str) -> bool {
        let now = Instant::now();
        self.parse(receipt_handle)
            .is_ok_and(|(key, receipt)| self.state().receipt(key, receipt, now) == Receipt::Current)
    }

    pub(super) fn purge(&self) {
        self.state().purge();
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

    /// Where what happens to it is recorded.
    pub(crate) fn recorder(&self) -> &Recorder {
        self.activity.recorder()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now, in seconds since the epoch.
pub(crate) fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Now, in milliseconds since the epoch.
pub(crate) fn epoch_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
