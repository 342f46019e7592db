//! SNS subscriptions that feed a queue.

use serde_json::json;

use super::{Queue, Topic};
use crate::{Handle, Kind, Stack};

/// A queue's subscription to a topic.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-subscription.html>
pub struct Subscription<'a> {
    /// Where the messages come from.
    pub topic: &'a Handle<Topic>,
    /// Where they go, as they were published: without SNS's envelope, so that no byte changes.
    pub queue: &'a Handle<Queue>,
    /// Where those go that the queue could not take.
    pub dead_letter: &'a Handle<Queue>,
}

impl Kind for Subscription<'_> {
    const TYPE: &'static str = "AWS::SNS::Subscription";
}

impl Stack {
    /// Subscribes a queue, and lets the topic send to it and to the dead-letter queue.
    pub fn subscribe(&mut self, id: &str, subscription: &Subscription<'_>) {
        self.let_topic_send(subscription.queue, subscription.topic);
        self.let_topic_send(subscription.dead_letter, subscription.topic);
        self.add::<Subscription<'_>>(
            id,
            json!({
                "TopicArn": subscription.topic.arn(),
                "Protocol": "sqs",
                "Endpoint": subscription.queue.arn(),
                "RawMessageDelivery": true,
                "RedrivePolicy": { "deadLetterTargetArn": subscription.dead_letter.arn() },
            }),
        );
    }
}
