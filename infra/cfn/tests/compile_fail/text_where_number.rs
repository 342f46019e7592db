//! Seconds are a number.

use cfn::resources::sqs::Queue;

fn wrong() {
    Queue { visibility_timeout: Some("30".into()), ..Queue::default() };
}

fn main() {}
