//! Receiving messages, and what is done with one that was received.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Queue;
use crate::{
    activity::What,
    clock::Moment,
    record::{Hop, Kind},
    sqs::{
        Receive, Received,
        errors::{bad_receipt, expired_receipt, not_in_flight, out_of_range, over_limit},
        state::{LONGEST_HIDDEN, Message, MessageParts, Receipt},
    },
    wire::ApiError,
};

impl Queue {
    /// Receives messages, waiting for the first as long as it is said. Who waits is woken by the message, not by a clock.
    ///
    /// # Errors
    /// When a standard queue has given out as many messages as it may, and nobody wants to wait.
    pub async fn receive(&self, request: Receive) -> Result<Vec<Received>, ApiError> {
        self.receive_as(request, None).await
    }

    /// As [`Queue::receive`], with the id by which the caller asks again when no answer came: a FIFO queue gives the same
    /// messages then.
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub async fn receive_as(&self, request: Receive, attempt: Option<&str>) -> Result<Vec<Received>, ApiError> {
        let attempt = attempt.filter(|_| self.fifo);
        let until = self.clock.now() + request.wait;
        loop {
            // Listens before it looks, so that nothing comes in between.
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let (received, next) = self.try_receive(request, attempt);
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

    fn try_receive(&self, request: Receive, attempt: Option<&str>) -> (Vec<Received>, Option<Moment>) {
        let now = self.clock.now();
        let mut state = self.state();
        let visibility = request.visibility.unwrap_or(state.attributes.visibility);
        let again = attempt.map(|id| state.take_again(id, visibility, now)).unwrap_or_default();
        let (taken, given_up) =
            if again.is_empty() { state.take(request.max, visibility, now) } else { (again, Vec::new()) };
        if let Some(id) = attempt.filter(|_| !taken.is_empty()) {
            state.remember(id, &taken, now);
        }
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
        let cause = recorder.cause_of(self.node(), std::iter::once(message_id.as_str()));
        let trace = cause.trace(recorder, number);
        recorder.keep(Hop {
            journeys: if cause.journeys.is_empty() { vec![number] } else { cause.journeys },
            message_id: Some(message_id.clone()),
            trace,
            ..Hop::new(number, Kind::GivenUp, &self.node(), &queue.node(), "given up".to_owned())
        });
        queue.take_over(parts);
        let (from, to) = (self.name.clone(), queue.name.clone());
        self.activity.tell(What::DeadLettered { queue: from, to, message_id }, None);
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
}
