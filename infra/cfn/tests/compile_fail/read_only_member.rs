//! A queue's URL is AWS's to give.

use cfn::resources::sqs::Queue;

fn wrong() {
    Queue { queue_url: Some("https://sqs.eu-west-1.amazonaws.com/1/q".into()), ..Queue::default() };
}

fn main() {}
