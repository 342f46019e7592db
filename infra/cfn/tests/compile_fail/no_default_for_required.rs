//! What has required members has no default.

use cfn::resources::lambda::Function;

fn wrong() {
    Function { timeout: Some(5.into()), ..Function::default() };
}

fn main() {}
