//! A queue that feeds a function says where it gives up to.

use infra::{environment::Feeding, wiring::Service};

fn wrong(service: &mut Service<'_>, feeding: &Feeding) {
    service.queue("jobs", feeding);
}

fn main() {}
