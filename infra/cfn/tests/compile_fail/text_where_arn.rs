//! An ARN is parsed, so that a mistake in it is found.

use cfn::{Arn, Value, resources::sns::Topic};

fn wrong() {
    let _: Value<Arn<Topic>> = "arn:aws:sns:eu-west-1:123456789012:news".into();
}

fn main() {}
