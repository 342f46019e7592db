//! Alarms tell topics and functions; a queue subscribes to a topic.

use cfn::{Handle, constructs::Queue, resources::cloudwatch::Alarm};

fn wrong(queue: &Handle<Queue>) {
    Alarm { alarm_actions: Some([queue.arn()].into()), ..Alarm::default() };
}

fn main() {}
