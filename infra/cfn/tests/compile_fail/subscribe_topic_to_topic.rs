//! A subscription goes from a topic to a queue.

use cfn::{
    Handle,
    constructs::{Queue, Subscription, Topic},
};

fn wrong(topic: &Handle<Topic>, errors: &Handle<Queue>) {
    Subscription::new(topic, topic, errors);
}

fn main() {}
