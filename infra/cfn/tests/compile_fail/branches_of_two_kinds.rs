//! Both sides of a choice mean the same.

use cfn::{
    Condition, Handle, Value,
    constructs::{Queue, Topic},
};

fn wrong(condition: Condition, queue: &Handle<Queue>, topic: &Handle<Topic>) {
    let _ = Value::choose(&condition, &queue.arn(), &topic.arn());
}

fn main() {}
