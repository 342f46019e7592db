//! A subscription's end is a queue, a function or a URL.

use cfn::{
    Handle,
    constructs::{Secret, Topic},
    resources::sns::{Subscription, subscription::Protocol},
};

fn wrong(secret: &Handle<Secret>, topic: &Handle<Topic>) {
    Subscription { endpoint: Some(secret.arn().into()), ..Subscription::new(Protocol::Sqs.into(), topic.arn()) };
}

fn main() {}
