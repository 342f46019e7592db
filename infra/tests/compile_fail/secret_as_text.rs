//! A secret reaches a function by its ARN, not by its text.

use contract::functions::PlansList;
use infra::wiring::InStack;

fn wrong(url: &String) {
    let password = "hunter2".to_owned();
    let _ = PlansList::<InStack> { paypal_secret: (&password).into(), paypal_url: url.into() };
}

fn main() {}
