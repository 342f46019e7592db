//! A function's environment can be read by everyone who may look at the function.

use cfn::{Sensitive, Value, resources::lambda::function::Environment};

fn wrong(password: Value<Sensitive>) {
    Environment { variables: Some(vec![("PASSWORD".to_owned(), password)].into()) };
}

fn main() {}
