//! What a queue gives up goes to a queue.

use cfn::{
    Handle,
    constructs::{DeadLetter, Topic},
};

fn wrong(topic: &Handle<Topic>) {
    DeadLetter { queue: topic.clone(), max_receives: 5 };
}

fn main() {}
