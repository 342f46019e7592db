//! Where invocations go that failed for good.

use super::{Construct, Function, Queue};
use crate::{
    Handle, Stack, Statement,
    resources::lambda::{self, event_invoke_config as l1},
};

/// What becomes of an asynchronous invocation that fails: by SNS, by EventBridge, by a caller that does not wait. Without
/// this Lambda drops it after its last try.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
pub struct OnFailure<'a> {
    /// Whose invocations.
    pub function: &'a Handle<Function>,
    /// Where they go in the end, with the reason. SQS takes no FIFO queue here.
    pub queue: &'a Handle<Queue>,
    /// How often Lambda tries again, 0 to 2.
    pub retries: u32,
    /// How long it goes on trying, in seconds, 60 to 21,600.
    pub give_up_after_seconds: u32,
}

impl Construct for OnFailure<'_> {
    type Resource = lambda::EventInvokeConfig;
}

impl<'a> OnFailure<'a> {
    /// What fails for good goes to the queue.
    #[must_use]
    pub fn new(function: &'a Handle<Function>, queue: &'a Handle<Queue>) -> Self {
        // Lambda's own defaults: the longest there are.
        Self { function, queue, retries: 2, give_up_after_seconds: 21_600 }
    }
}

impl Stack {
    /// Sends what fails for good to the queue, and lets the function send there.
    #[track_caller]
    pub fn on_failure(&mut self, id: &str, target: &OnFailure<'_>) -> Handle<OnFailure<'static>> {
        self.grant(target.function, &Statement::allow(&["sqs:SendMessage"]).on(&target.queue.arn()));
        let on_failure = l1::OnFailure { destination: target.queue.arn().into() };
        let destination =
            l1::DestinationConfig { on_failure: Some(on_failure.into()), ..l1::DestinationConfig::default() };
        let properties = lambda::EventInvokeConfig {
            destination_config: Some(destination.into()),
            maximum_retry_attempts: Some(target.retries.into()),
            maximum_event_age_in_seconds: Some(target.give_up_after_seconds.into()),
            ..lambda::EventInvokeConfig::new(target.function.name().into(), "$LATEST".into())
        };
        self.add(id, properties).seen_as()
    }
}
