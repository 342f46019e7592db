//! A topic has no URL.

use cfn::{Handle, constructs::Topic};

fn wrong(topic: &Handle<Topic>) {
    topic.url();
}

fn main() {}
