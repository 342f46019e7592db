//! Sending a message, and taking over one from another queue.

use std::{collections::BTreeMap, time::Duration};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Queue;
use crate::{
    activity::What,
    chaos::Fault,
    record::{Cause, Hop, Kind, Payload},
    sqs::{
        MessageAttribute, NewMessage, Sent, check,
        state::{Incoming, MessageParts},
    },
    wire::{ApiError, md5},
};

impl Queue {
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
                let attribute = MessageAttribute::text(trace);
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
            trace_header: message.trace_header.or_else(Cause::current_trace_header),
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
            trace: cause.trace(recorder, number),
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

    /// Takes a message that another queue gave away.
    pub(in crate::sqs) fn take_over(&self, message: MessageParts) {
        self.state().put(Incoming { message, delay: Duration::ZERO }, self.clock.now());
        self.arrived.notify_waiters();
    }

    /// Gives its oldest waiting message away, with where it came from.
    pub(in crate::sqs) fn give_away(&self) -> Option<MessageParts> {
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
}
