//! A subscription of a topic takes a topic's ARN.

use cfn::{
    Handle,
    constructs::Queue,
    resources::sns::{Subscription, subscription::Protocol},
};

fn wrong(queue: &Handle<Queue>) {
    Subscription::new(Protocol::Sqs.into(), queue.arn());
}

fn main() {}
