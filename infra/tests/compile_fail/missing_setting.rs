//! Every setting of a function is given.

use cfn::{Handle, constructs::Secret};
use contract::functions::PlansList;
use infra::wiring::InStack;

fn wrong(secret: &Handle<Secret>) {
    let _ = PlansList::<InStack> { paypal_secret: secret.into() };
}

fn main() {}
