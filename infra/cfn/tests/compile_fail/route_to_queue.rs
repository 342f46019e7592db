//! A route is bound to a function.

use cfn::{
    Handle, Stack,
    constructs::{HttpApi, Queue},
};

fn wrong(stack: &mut Stack, api: &Handle<HttpApi>, queue: &Handle<Queue>) {
    stack.route(api, "POST", "/", queue);
}

fn main() {}
