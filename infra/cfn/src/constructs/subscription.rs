//! SNS subscriptions that feed a queue.

use super::{Construct, Queue, Topic};
use crate::{
    Handle, Stack,
    resources::sns::{self, subscription as l1},
};

/// A queue's subscription to a topic.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html>
pub struct Subscription<'a> {
    /// Where the messages come from.
    pub topic: &'a Handle<Topic>,
    /// Where they go.
    pub queue: &'a Handle<Queue>,
    /// Where those go that the queue could not take; SNS drops them otherwise.
    pub dead_letter: &'a Handle<Queue>,
    /// How they arrive.
    pub delivery: Delivery,
}

/// How messages arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As they were published.
    Raw,
    /// Inside SNS's envelope, which names the topic.
    Enveloped,
}

impl Construct for Subscription<'_> {
    type Resource = sns::Subscription;
}

impl<'a> Subscription<'a> {
    /// A subscription that changes no byte of a message.
    #[must_use]
    pub fn new(topic: &'a Handle<Topic>, queue: &'a Handle<Queue>, dead_letter: &'a Handle<Queue>) -> Self {
        // A signature over the message stays good, and nobody has to unwrap it.
        Self { topic, queue, dead_letter, delivery: Delivery::Raw }
    }
}

impl Stack {
    /// Subscribes a queue, and lets the topic send to it and to the dead-letter queue.
    #[track_caller]
    pub fn subscribe(&mut self, id: &str, subscription: &Subscription<'_>) -> Handle<Subscription<'static>> {
        self.let_topic_send(subscription.queue, subscription.topic);
        self.let_topic_send(subscription.dead_letter, subscription.topic);
        let redrive = l1::RedrivePolicy { dead_letter_target_arn: subscription.dead_letter.arn() };
        let properties = sns::Subscription {
            endpoint: Some(subscription.queue.arn().into()),
            raw_message_delivery: Some((subscription.delivery == Delivery::Raw).into()),
            redrive_policy: Some(redrive.into()),
            ..sns::Subscription::new(l1::Protocol::Sqs.into(), subscription.topic.arn())
        };
        self.add(id, properties).seen_as()
    }
}
