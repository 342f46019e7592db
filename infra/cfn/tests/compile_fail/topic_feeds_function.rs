//! A function is fed from a queue; a topic reaches it over one.

use cfn::{
    Handle,
    constructs::{EventSource, Function, Topic},
};

fn wrong(topic: &Handle<Topic>, function: &Handle<Function>) {
    EventSource::new(topic, function);
}

fn main() {}
