//! Settings with a shape of their own take that shape.

use contract::{Data, config::Retry};
use infra::wiring::Wired;

fn wrong(origins: &Vec<String>) {
    let _: Wired<Data<Retry>> = origins.into();
}

fn main() {}
