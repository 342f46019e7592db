//! A function gets no setting that its handler does not read.

use cfn::{
    Handle,
    constructs::{Secret, Topic},
};
use contract::functions::PlansList;
use infra::wiring::InStack;

fn wrong(secret: &Handle<Secret>, url: &String, topic: &Handle<Topic>) {
    let _ = PlansList::<InStack> { paypal_secret: secret.into(), paypal_url: url.into(), finished: topic.into() };
}

fn main() {}
