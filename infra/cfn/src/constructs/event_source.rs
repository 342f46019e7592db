//! Event source mappings: a queue feeds a function.

use super::{Construct, Function, Queue};
use crate::{
    Handle, Stack, StackError, Statement,
    resources::lambda::{self, event_source_mapping as l1},
};

/// A queue that feeds a function in batches.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html>
pub struct EventSource<'a> {
    /// Where the messages come from.
    pub queue: &'a Handle<Queue>,
    /// Who works on them.
    pub function: &'a Handle<Function>,
    /// How many messages a batch may hold, 1 to 10.
    pub batch_size: u32,
    /// How many batches may be worked on at once, 2 to 1000; this bounds the calls to whom the function calls.
    pub max_concurrency: Option<u32>,
    /// What of a batch comes back when some of it failed.
    pub failures: Failures,
}

/// What of a batch comes back when some of it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// What the function names in its answer.
    Reported,
    /// All of it.
    WholeBatch,
}

impl Construct for EventSource<'_> {
    type Resource = lambda::EventSourceMapping;
}

impl<'a> EventSource<'a> {
    /// A queue that feeds a function.
    #[must_use]
    pub fn new(queue: &'a Handle<Queue>, function: &'a Handle<Function>) -> Self {
        Self {
            queue,
            function,
            // Lambda's own default.
            batch_size: 10,
            // As many as the account has.
            max_concurrency: None,
            // So that one bad message does not bring back the others, which were worked on.
            failures: Failures::Reported,
        }
    }
}

/// How many timeouts of its function a queue must hide a message for, so that Lambda can try a throttled batch again
/// before the message comes back.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const VISIBILITY_TIMEOUTS: u64 = 6;

impl Stack {
    /// Feeds the function from the queue, and lets it receive and delete there. A queue that does not say how long it
    /// hides a message hides it for six timeouts of the function; one that says less is refused.
    #[track_caller]
    pub fn feed(&mut self, id: &str, source: &EventSource<'_>) -> Handle<EventSource<'static>> {
        let receive = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        self.grant(source.function, &Statement::allow(receive).on(&source.queue.arn()));
        self.hide_long_enough(source);
        let reported = source.failures == Failures::Reported;
        let scaling =
            source.max_concurrency.map(|most| l1::ScalingConfig { maximum_concurrency: Some(most.into()) }.into());
        let mapping = lambda::EventSourceMapping {
            event_source_arn: Some(source.queue.arn().into()),
            batch_size: Some(source.batch_size.into()),
            function_response_types: reported.then(|| [l1::FunctionResponseType::ReportBatchItemFailures].into()),
            scaling_config: scaling,
            ..lambda::EventSourceMapping::new(source.function.arn().into())
        };
        self.add(id, mapping).seen_as()
    }

    fn hide_long_enough(&mut self, source: &EventSource<'_>) {
        let seconds = |stack: &Self, id, name| stack.property(id, name).and_then(serde_json::Value::as_u64);
        let Some(timeout) = seconds(self, &source.function.id, "Timeout") else { return };
        let needed = VISIBILITY_TIMEOUTS * timeout;
        match seconds(self, &source.queue.id, "VisibilityTimeout") {
            Some(visibility) if visibility < needed => self.refuse(StackError::Visibility {
                queue: source.queue.id.clone(),
                function: source.function.id.clone(),
                visibility,
                needed,
            }),
            Some(_) => {}
            None => self.change(&source.queue.resource(), |queue| {
                queue.properties.insert("VisibilityTimeout".to_owned(), needed.into());
            }),
        }
    }
}
