//! Event source mappings: a queue feeds a function.

use serde_json::json;

use super::{Function, Queue};
use crate::{Handle, Kind, Stack, Statement};

/// A queue that feeds a function in batches.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-eventsourcemapping.html>
pub struct EventSource<'a> {
    /// Where the messages come from.
    pub queue: &'a Handle<Queue>,
    /// Who works on them; it answers which of a batch failed, so that one bad message does not bring back the others.
    pub function: &'a Handle<Function>,
    /// How many messages a batch may hold, 1 to 10.
    pub batch_size: u32,
    /// How many batches may be worked on at once, 2 to 1000; this bounds the calls to whom the function calls.
    pub max_concurrency: u32,
}

impl Kind for EventSource<'_> {
    const TYPE: &'static str = "AWS::Lambda::EventSourceMapping";
}

impl Stack {
    /// Feeds the function from the queue, and lets it receive and delete there.
    pub fn feed(&mut self, id: &str, source: &EventSource<'_>) {
        let receive = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        self.grant(source.function, &Statement::allow(receive).on(&source.queue.arn()));
        self.add::<EventSource<'_>>(
            id,
            json!({
                "EventSourceArn": source.queue.arn(),
                "FunctionName": source.function.arn(),
                "BatchSize": source.batch_size,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": { "MaximumConcurrency": source.max_concurrency },
            }),
        );
    }
}
