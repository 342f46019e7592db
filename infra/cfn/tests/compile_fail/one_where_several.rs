//! A list is a list.

use cfn::{Handle, PolicyDocument, constructs::Queue, resources::sqs::QueuePolicy};

fn wrong(queue: &Handle<Queue>, policy: PolicyDocument) {
    QueuePolicy { policy_document: policy.into(), queues: queue.url() };
}

fn main() {}
