//! Secrets feed nobody.

use cfn::{
    Handle,
    constructs::{Function, Secret},
    resources::lambda::EventSourceMapping,
};

fn wrong(secret: &Handle<Secret>, function: &Handle<Function>) {
    EventSourceMapping {
        event_source_arn: Some(secret.arn().into()),
        ..EventSourceMapping::new(function.arn().into())
    };
}

fn main() {}
