//! A secret is not written into a template, in any way.

use cfn::{Sensitive, Value};

fn wrong() {
    let _ = Value::<Sensitive>::parse("hunter2");
}

fn main() {}
