//! A function that a queue feeds has no route.

use cfn::{Handle, constructs::HttpApi};
use contract::trigger::Queue;
use infra::wiring::{Deployed, Service};

fn wrong(service: &mut Service<'_>, api: &Handle<HttpApi>, function: &Deployed<Queue>) {
    service.route(api, function);
}

fn main() {}
