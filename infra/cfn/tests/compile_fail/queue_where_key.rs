//! Messages are encrypted with a key.

use cfn::{Handle, constructs::Queue, resources::sqs};

fn wrong(queue: &Handle<Queue>) {
    sqs::Queue { kms_master_key_id: Some(queue.arn().into()), ..sqs::Queue::default() };
}

fn main() {}
