//! A list is a list.

use cfn::{Handle, constructs::Queue, resources::sqs::queue::RedriveAllowPolicy};

fn wrong(queue: &Handle<Queue>, policy: RedriveAllowPolicy) {
    RedriveAllowPolicy { source_queue_arns: Some(queue.arn()), ..policy };
}

fn main() {}
