//! A secret does not become a part of a text.

use cfn::{Sensitive, Value};

fn wrong(password: Value<Sensitive>) {
    let _: Value<String> = Value::sub(["password=".into(), password.into()]);
}

fn main() {}
