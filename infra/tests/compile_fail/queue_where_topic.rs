//! The receiver publishes to a topic.

use cfn::{Handle, constructs::Queue};
use contract::functions::WebhookReceiver;
use infra::wiring::InStack;

fn wrong(queue: &Handle<Queue>) {
    let _ = WebhookReceiver::<InStack> {
        received: queue.into(),
        message_bytes: (&262_144).into(),
    };
}

fn main() {}
