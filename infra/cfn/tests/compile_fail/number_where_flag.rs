//! Whether a queue is FIFO is true or false.

use cfn::resources::sqs::Queue;

fn wrong() {
    Queue { fifo_queue: Some(1.into()), ..Queue::default() };
}

fn main() {}
