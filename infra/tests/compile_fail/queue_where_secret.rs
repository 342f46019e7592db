//! PayPal's credentials are a secret.

use cfn::{Handle, constructs::Queue};
use contract::functions::PlansList;
use infra::wiring::InStack;

fn wrong(queue: &Handle<Queue>, url: &String) {
    let _ = PlansList::<InStack> { paypal_secret: queue.into(), paypal_url: url.into() };
}

fn main() {}
