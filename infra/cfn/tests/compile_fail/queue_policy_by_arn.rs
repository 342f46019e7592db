//! A queue's policy names the queue by its URL.

use cfn::{Handle, PolicyDocument, constructs::Queue, resources::sqs::QueuePolicy};

fn wrong(queue: &Handle<Queue>, policy: PolicyDocument) {
    QueuePolicy { policy_document: policy.into(), queues: [queue.arn()].into() };
}

fn main() {}
