//! A function that a request starts is fed from no queue.

use cfn::{Handle, constructs::Queue};
use contract::trigger::Http;
use infra::{
    environment::Feeding,
    wiring::{Deployed, Service},
};

fn wrong(service: &mut Service<'_>, queue: &Handle<Queue>, feeding: &Feeding, function: &Deployed<Http>) {
    service.feed(queue, feeding, function);
}

fn main() {}
