//! Seconds are whole.

use cfn::resources::sqs::Queue;

fn wrong() {
    Queue { delay_seconds: Some(0.5.into()), ..Queue::default() };
}

fn main() {}
