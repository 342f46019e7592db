//! A queue has no such property.

use cfn::resources::sqs::Queue;

fn wrong() {
    Queue { visibility_timeout_seconds: Some(30.into()), ..Queue::default() };
}

fn main() {}
