//! A stage is of an API.

use cfn::{Handle, constructs::Queue, resources::apigatewayv2::Stage};

fn wrong(queue: &Handle<Queue>) {
    Stage::new(queue.name(), "$default".into());
}

fn main() {}
