//! A topic's policy is on topics.

use cfn::{Handle, PolicyDocument, constructs::Queue, resources::sns::TopicPolicy};

fn wrong(queue: &Handle<Queue>, policy: PolicyDocument) {
    TopicPolicy { policy_document: policy.into(), topics: [queue.arn()].into() };
}

fn main() {}
