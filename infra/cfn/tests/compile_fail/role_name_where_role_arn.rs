//! A function's role is named by its ARN.

use cfn::{
    Handle,
    resources::{
        iam::Role,
        lambda::{Function, function::Code},
    },
};

fn wrong(role: &Handle<Role>) {
    Function::new(Code::default().into(), role.name());
}

fn main() {}
