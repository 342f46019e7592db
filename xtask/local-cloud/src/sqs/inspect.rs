//! A queue in the hands of a person: what the console and step mode do with it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    MessageAttribute, Queue,
    state::{MessageParts, Standing},
};
use crate::{
    clock::Moment,
    record::{Hop, Kind, Payload},
};

/// A message as it lies in its queue.
#[derive(Clone, Debug, Serialize)]
pub struct Lying {
    /// Its place in the queue's order, by which it is named here.
    pub key: u64,
    /// SQS's id of the message.
    pub message_id: String,
    /// `waiting`, `delayed` or `in-flight`.
    pub place: &'static str,
    /// How long until it is seen, in milliseconds.
    pub seen_in_ms: Option<u64>,
    /// When it was sent, since the epoch, in milliseconds.
    pub sent_at_ms: u64,
    /// How often it was received.
    pub receives: u32,
    /// Its group, in a FIFO queue.
    pub group: Option<String>,
    /// The ARN of the queue that gave it up.
    pub source: Option<String>,
    /// What stands on it: text, or how many bytes.
    pub attributes: BTreeMap<String, String>,
    /// What it says.
    pub body: String,
}

impl Queue {
    /// The oldest messages, at most so many; nothing is received by that.
    #[must_use]
    pub fn look(&self, most: usize) -> Vec<Lying> {
        let now = self.clock().now();
        let found = self.state().look(most, now);
        let left = |until: Moment| u64::try_from(until.saturating_sub(now).as_millis()).ok();
        let lying = found.into_iter().map(|(key, message, standing)| {
            let (place, seen_in_ms) = match standing {
                Standing::Waiting => ("waiting", None),
                Standing::Delayed(until) => ("delayed", left(until)),
                Standing::InFlight(until) => ("in-flight", left(until)),
            };
            Lying {
                key,
                message_id: message.sent.message_id,
                place,
                seen_in_ms,
                sent_at_ms: u64::try_from(message.sent_at.as_millis()).unwrap_or(u64::MAX),
                receives: message.receives,
                group: message.group,
                source: message.source,
                attributes: message.attributes.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
                body: message.body,
            }
        });
        lying.collect()
    }

    /// Removes a message, wherever it is; answers whether it was there.
    pub fn drop_message(&self, key: u64) -> bool {
        let pulled = self.state().pull(key).is_some();
        // The group behind it may be open now.
        self.wake();
        pulled
    }

    /// Removes all messages, as often as a person wants it.
    pub fn empty(&self) {
        self.state().purge();
    }

    /// Moves a message to another queue, where it begins anew: with a new id, never received, as `StartMessageMoveTask` does.
    /// Answers whether it was there and the other queue takes it.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>
    pub fn redrive(&self, key: u64, target: &Self, body: Option<String>) -> bool {
        let Some(message) = self.state().pull(key) else { return false };
        self.wake();
        let recorder = self.recorder();
        let cause = recorder.cause_of(self.node(), std::iter::once(message.sent.message_id.as_str()));
        let mut sent = message.sent;
        sent.message_id = uuid::Uuid::new_v4().to_string();
        let body = body.unwrap_or(message.body);
        sent.md5_of_body = crate::wire::md5::body(&body);
        let number = recorder.next();
        recorder.keep(Hop {
            trace: cause.trace(recorder, number),
            journeys: if cause.journeys.is_empty() { vec![number] } else { cause.journeys },
            message_id: Some(sent.message_id.clone()),
            payload: Payload::copied(&body),
            attributes: message.attributes.clone(),
            group: message.group.clone(),
            ..Hop::new(number, Kind::Sent, &self.node(), &target.node(), "redriven".to_owned())
        });
        let parts = MessageParts {
            sent,
            body,
            attributes: message.attributes,
            group: message.group.filter(|_| target.is_fifo()),
            deduplication: None,
            trace_header: message.trace_header,
            sent_at: self.clock().now(),
            source: None,
        };
        target.take_over(parts);
        true
    }

    /// Whether it gives out only what is released.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state().is_held()
    }

    /// From now on it gives out only what is released, or all again.
    pub fn hold(&self, hold: bool) {
        self.state().hold(hold);
        self.wake();
    }

    /// Lets one message of a held queue through, with another body if one is given; answers whether it is there.
    pub fn release(&self, key: u64, body: Option<String>) -> bool {
        let mut state = self.state();
        let there = body.is_none_or(|body| state.rewrite(key, body)) && state.release(key);
        drop(state);
        self.wake();
        there
    }

    /// Its name among the nodes of the picture.
    pub(crate) fn node(&self) -> String {
        format!("queue:{}", self.name())
    }
}

fn shown(attribute: &MessageAttribute) -> String {
    let bytes = attribute.binary.as_ref().map_or(0, Vec::len);
    attribute.text.clone().unwrap_or_else(|| format!("{bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc, time::Duration};

    use super::*;
    use crate::{
        account::Account,
        activity::Stream,
        chaos::Chaos,
        clock::Clock,
        sqs::{NewMessage, Receive, Sqs},
    };

    fn queue(sqs: &Sqs, name: &str) -> Arc<Queue> {
        let fifo = BTreeMap::from([("FifoQueue".to_owned(), "true".to_owned())]);
        let attributes = if name.ends_with(".fifo") { fifo } else { BTreeMap::new() };
        sqs.create_queue(name, &attributes, &BTreeMap::new()).unwrap()
    }

    fn sqs() -> Sqs {
        let account = Account { id: "0".repeat(12), region: "eu-west-1".to_owned(), endpoint: "http://x".to_owned() };
        Sqs::new(account, Clock::default(), Stream::default(), Chaos::default(), None)
    }

    fn send(queue: &Queue, body: &str) {
        let fifo = |text: &str| queue.is_fifo().then(|| text.to_owned());
        let message = NewMessage {
            body: body.to_owned(),
            group_id: fifo("group"),
            deduplication_id: fifo(body),
            ..NewMessage::default()
        };
        queue.send(message).unwrap();
    }

    async fn receive(queue: &Queue) -> Vec<String> {
        let now = Receive { max: 10, wait: Duration::ZERO, visibility: None };
        queue.receive(now).await.unwrap().into_iter().map(|message| message.body).collect()
    }

    #[tokio::test]
    async fn looking_is_not_receiving() {
        let queue = queue(&sqs(), "q");
        send(&queue, "a");
        let lying = queue.look(10);
        assert_eq!((lying.len(), lying[0].place, lying[0].receives), (1, "waiting", 0));
        assert_eq!(receive(&queue).await, ["a"]);
        assert_eq!((queue.look(10)[0].place, queue.look(10)[0].receives), ("in-flight", 1));
    }

    #[tokio::test]
    async fn age_of_the_oldest_leaves_out_what_a_standard_queue_gave_out_three_times() {
        for name in ["q", "q.fifo"] {
            let queue = queue(&sqs(), name);
            send(&queue, "a");
            let first = queue.oldest();
            assert!(first.is_some(), "{name}");
            for receives in 1..=3 {
                let now = Receive { max: 10, wait: Duration::ZERO, visibility: Some(Duration::ZERO) };
                assert_eq!(queue.receive(now).await.unwrap().len(), 1, "{name}");
                let counted = receives < 3 || name == "q.fifo";
                assert_eq!(queue.oldest(), first.filter(|_| counted), "{name} after {receives} receives");
            }
            assert_eq!(queue.look(10).len(), 1, "{name}");
        }
    }

    #[tokio::test]
    async fn a_held_queue_gives_out_only_what_is_released_and_in_the_order_of_its_group() {
        for name in ["q", "q.fifo"] {
            let queue = queue(&sqs(), name);
            queue.hold(true);
            ["a", "b", "c"].iter().for_each(|body| send(&queue, body));
            assert!(receive(&queue).await.is_empty(), "{name}");
            let keys: Vec<_> = queue.look(10).iter().map(|message| message.key).collect();
            assert!(queue.release(keys[0], Some("changed".to_owned())) && !queue.release(99, None));
            assert_eq!(receive(&queue).await, ["changed"], "{name}");
            // In a group the next waits for the first, and the one after it too.
            assert!(queue.release(keys[2], None));
            assert_eq!(receive(&queue).await, if name == "q" { vec!["c"] } else { vec![] }, "{name}");
            assert!(queue.drop_message(keys[0]));
            queue.hold(false);
            let rest = receive(&queue).await;
            assert_eq!(rest, if name == "q" { vec!["b"] } else { vec!["b", "c"] }, "{name}");
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_held_message_is_woken_by_its_release() {
        let queue = queue(&sqs(), "q");
        queue.hold(true);
        send(&queue, "a");
        let waiting = Arc::clone(&queue);
        let wait = Receive { max: 1, wait: Duration::from_secs(20), visibility: None };
        let received = tokio::spawn(async move { waiting.receive(wait).await });
        tokio::task::yield_now().await;
        assert!(queue.release(queue.look(1)[0].key, None));
        assert_eq!(received.await.unwrap().unwrap()[0].body, "a");
    }

    #[tokio::test]
    async fn a_redriven_message_begins_anew_in_its_target() {
        let sqs = sqs();
        let (errors, orders) = (queue(&sqs, "errors"), queue(&sqs, "orders"));
        send(&errors, "wrapped");
        receive(&errors).await;
        let before = errors.look(1)[0].clone();
        assert!(errors.redrive(before.key, &orders, Some("plain".to_owned())));
        assert!(errors.look(10).is_empty() && !errors.redrive(before.key, &orders, None));
        let after = orders.look(1)[0].clone();
        assert_eq!((after.body.as_str(), after.receives, after.place), ("plain", 0, "waiting"));
        assert_ne!(after.message_id, before.message_id);
    }
}
