//! The verifier sends on to a queue.

use cfn::{Handle, constructs::Topic};
use contract::SendTo;
use infra::wiring::Wired;

fn wrong(topic: &Handle<Topic>) {
    let _: Wired<SendTo> = topic.into();
}

fn main() {}
