//! A condition is one that the stack has, not a text.

use cfn::Value;

fn wrong() {
    let _ = Value::<i64>::choose("IsLarge", &1.into(), &2.into());
}

fn main() {}
