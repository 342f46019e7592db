//! A dead-letter queue is named by its ARN, not by its URL.

use cfn::{Handle, constructs::Queue, resources::sqs::queue::RedrivePolicy};

fn wrong(queue: &Handle<Queue>) {
    RedrivePolicy { dead_letter_target_arn: queue.url(), max_receive_count: 5.into() };
}

fn main() {}
