//! There is no such runtime.

use cfn::resources::lambda::function::Runtime;

fn wrong() {
    let _ = Runtime::ProvidedAl2022;
}

fn main() {}
