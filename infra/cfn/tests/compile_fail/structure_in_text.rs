//! An object does not become a part of a text.

use cfn::{Value, resources::lambda::function::Code};

fn wrong(code: Value<Code>) {
    let _: Value<String> = code.text();
}

fn main() {}
