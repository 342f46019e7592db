//! A dead-letter policy says how often a message is tried.

use cfn::{Handle, constructs::Queue, resources::sqs::queue::RedrivePolicy};

fn wrong(queue: &Handle<Queue>) {
    RedrivePolicy { dead_letter_target_arn: queue.arn() };
}

fn main() {}
