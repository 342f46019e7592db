//! A secret is not written into a template.

use cfn::resources::secretsmanager::Secret;

fn wrong() {
    Secret { secret_string: Some("hunter2".into()), ..Secret::default() };
}

fn main() {}
