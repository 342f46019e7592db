//! A protocol is one of those that SNS has, not a text.

use cfn::{Handle, constructs::Topic, resources::sns::Subscription};

fn wrong(topic: &Handle<Topic>) {
    Subscription::new("sqs".into(), topic.arn());
}

fn main() {}
