//! Event source mappings: queues that feed functions.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::{QUEUE, is_fifo},
};
use crate::check::context::Facts;
use cfn::view::{
    ResourceView, known_items, policies,
    text::{Piece, Text},
};

const MAPPING: &str = "AWS::Lambda::EventSourceMapping";
const FUNCTION: &str = "AWS::Lambda::Function";
const ROLE: &str = "AWS::IAM::Role";

/// What AWS takes when the template says nothing, in seconds.
const DEFAULT_VISIBILITY: f64 = 30.0;
const DEFAULT_TIMEOUT: f64 = 3.0;

/// How often a function's timeout fits into its queue's visibility, by AWS's advice.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const TIMEOUTS_IN_VISIBILITY: f64 = 6.0;

/// A batch above this needs a window, and a FIFO queue's batch cannot be larger.
const BATCH_WITHOUT_WINDOW: f64 = 10.0;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SQS-1",
        severity: Warning,
        title: "a message is hidden for six times the function's timeout",
        why: "Lambda tries a throttled batch again for that long; with less, the message is received twice at once",
        mend: "raise the queue's VisibilityTimeout to 6 x Timeout, or lower the function's Timeout",
        find: six_times,
    },
    Rule {
        id: "ESM-1",
        severity: Warning,
        title: "a function says which messages of a batch failed",
        why: "otherwise one bad message brings back the whole batch, and the good ones are worked on again",
        mend: "set FunctionResponseTypes to [ReportBatchItemFailures], and answer batchItemFailures",
        find: partial_batches,
    },
    Rule {
        id: "ESM-2",
        severity: Error,
        title: "a function may read the queue that feeds it",
        why: "Lambda refuses the mapping when the role may not receive, delete and look at attributes",
        mend: "allow sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on the queue",
        find: may_read,
    },
    Rule {
        id: "ESM-3",
        severity: Warning,
        title: "a function has the concurrency that its queue asks for",
        why: "what is above the reserved concurrency is throttled, and counts as a receive",
        mend: "reserve at least ScalingConfig.MaximumConcurrency, or lower that",
        find: concurrency,
    },
    Rule {
        id: "ESM-4",
        severity: Error,
        title: "a message is hidden for the function's timeout",
        why: "Lambda refuses a mapping whose queue shows a message again while the function works on it",
        mend: "raise the queue's VisibilityTimeout, at best to 6 x Timeout",
        find: visible_too_early,
    },
    Rule {
        id: "ESM-5",
        severity: Error,
        title: "a batch of more than ten has a window",
        why: "Lambda refuses it: SQS gives ten messages at once, and more must be waited for",
        mend: "set MaximumBatchingWindowInSeconds to 1 or more, or BatchSize to 10 or less",
        find: batch_without_window,
    },
    Rule {
        id: "ESM-6",
        severity: Error,
        title: "a FIFO queue gives at most ten messages, at once",
        why: "Lambda refuses a larger batch and a batching window for a FIFO queue",
        mend: "set BatchSize to 10 or less, and remove MaximumBatchingWindowInSeconds",
        find: fifo_batch,
    },
    Rule {
        id: "ESM-7",
        severity: Error,
        title: "a mapping's source is an ARN",
        why: "Ref of a queue is its URL, which Lambda refuses",
        mend: "use Fn::GetAtt with Arn",
        find: source_is_arn,
    },
];

/// A queue of the template that feeds a function.
pub(super) struct Mapping<'a> {
    pub(super) thing: ResourceView<'a>,
    pub(super) queue: ResourceView<'a>,
    /// Where it is one of the template.
    pub(super) function: Option<ResourceView<'a>>,
}

impl Mapping<'_> {
    pub(super) fn function_name(&self) -> String {
        let name = self.function.map(|function| function.id.to_string());
        name.unwrap_or_else(|| "a function".to_owned())
    }
}

/// Every mapping of a queue of the template that is not switched off.
pub(super) fn mappings<'a>(facts: &Facts<'a>) -> Vec<Mapping<'a>> {
    let all = facts.all(MAPPING).filter(|mapping| mapping.truth_or("Enabled", true) == Some(true));
    all.filter_map(|thing| {
        let queue = facts.target(thing.field("EventSourceArn").value()?, QUEUE)?;
        let function = thing.field("FunctionName").value().and_then(|name| facts.target(name, FUNCTION));
        Some(Mapping { thing, queue, function })
    })
    .collect()
}

/// For each mapping, how long its queue hides a message and how long its function may take, in seconds.
fn times<'a>(facts: &Facts<'a>) -> Vec<(ResourceView<'a>, ResourceView<'a>, f64, f64)> {
    let all = mappings(facts).into_iter();
    all.filter_map(|mapping| {
        let function = mapping.function?;
        let visibility = mapping.queue.number_or("VisibilityTimeout", DEFAULT_VISIBILITY)?;
        Some((mapping.queue, function, visibility, function.number_or("Timeout", DEFAULT_TIMEOUT)?))
    })
    .collect()
}

fn six_times(facts: &Facts<'_>) -> Vec<Fault> {
    let short = times(facts).into_iter().filter(|(_, _, visibility, timeout)| {
        // Less than once is refused by Lambda itself: ESM-4.
        visibility >= timeout && *visibility < TIMEOUTS_IN_VISIBILITY * timeout
    });
    short
        .map(|(queue, function, visibility, timeout)| {
            let needed = TIMEOUTS_IN_VISIBILITY * timeout;
            let message =
                format!("hidden for {visibility} s, and {} may take {timeout} s: {needed} s are needed", function.id);
            Fault::new(visibility_path(queue), message)
        })
        .collect()
}

fn visible_too_early(facts: &Facts<'_>) -> Vec<Fault> {
    let short = times(facts).into_iter().filter(|(_, _, visibility, timeout)| visibility < timeout);
    short
        .map(|(queue, function, visibility, timeout)| {
            let message = format!("hidden for {visibility} s, and {} may take {timeout} s", function.id);
            Fault::new(visibility_path(queue), message)
        })
        .collect()
}

fn visibility_path(queue: ResourceView<'_>) -> cfn::Path {
    if queue.has("VisibilityTimeout") { queue.at("VisibilityTimeout") } else { queue.path() }
}

fn partial_batches(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in mappings(facts) {
        // One message is a batch that fails or not.
        let single = mapping.thing.number("BatchSize") == Some(1.0);
        let (types, complete) = known_items(mapping.thing.field("FunctionResponseTypes"), &mapping.thing.path());
        let says = |one: &Json| Text::of(one).literal().is_none_or(|one| one == "ReportBatchItemFailures");
        if complete && !single && !types.iter().any(|(_, one)| says(one)) {
            faults.push(Fault::new(mapping.thing.path(), "one failed message brings back the whole batch"));
        }
    }
    faults
}

fn may_read(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in mappings(facts) {
        let role = mapping.function.and_then(|function| facts.target(function.field("Role").value()?, ROLE));
        let Some(role) = role else { continue };
        let needed = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        let lacking: Vec<&str> = needed
            .into_iter()
            .filter(|action| policies::role_may(facts, role, action, mapping.queue) == Some(false))
            .collect();
        if !lacking.is_empty() {
            let message = format!("{} lacks {} on {}", role.id, lacking.join(", "), mapping.queue.id);
            faults.push(Fault::new(mapping.thing.path(), message));
        }
    }
    faults
}

fn concurrency(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in mappings(facts) {
        let reserved = mapping.function.and_then(|function| function.number("ReservedConcurrentExecutions"));
        let wanted = mapping.thing.number("ScalingConfig.MaximumConcurrency");
        if let (Some(reserved), Some(wanted)) = (reserved, wanted)
            && reserved < wanted
        {
            let message =
                format!("up to {wanted} batches at once, and {} reserves {reserved}", mapping.function_name());
            faults.push(Fault::new(mapping.thing.at("ScalingConfig.MaximumConcurrency"), message));
        }
    }
    faults
}

fn batch_without_window(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in mappings(facts).into_iter().filter(|mapping| is_fifo(mapping.queue) == Some(false)) {
        let size = mapping.thing.number("BatchSize");
        let window = mapping.thing.number_or("MaximumBatchingWindowInSeconds", 0.0);
        if let (Some(size), Some(window)) = (size, window)
            && size > BATCH_WITHOUT_WINDOW
            && window < 1.0
        {
            faults.push(Fault::new(mapping.thing.at("BatchSize"), format!("a batch of {size} has no window")));
        }
    }
    faults
}

fn fifo_batch(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in mappings(facts).into_iter().filter(|mapping| is_fifo(mapping.queue) == Some(true)) {
        let (size, window) = ("BatchSize", "MaximumBatchingWindowInSeconds");
        if let Some(value) = mapping.thing.number(size).filter(|value| *value > BATCH_WITHOUT_WINDOW) {
            faults.push(Fault::new(mapping.thing.at(size), format!("a batch of {value} from a FIFO queue")));
        }
        if mapping.thing.number(window).is_some_and(|value| value > 0.0) {
            faults.push(Fault::new(mapping.thing.at(window), "a window for a FIFO queue"));
        }
    }
    faults
}

fn source_is_arn(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for mapping in facts.all(MAPPING) {
        let Some(source) = mapping.text("EventSourceArn") else { continue };
        let said = match source.only() {
            Some(Piece::Ref(id)) => match facts.resource(id).map(|thing| thing.resource.kind.as_str()) {
                Some(QUEUE) => Some(format!("Ref of {id} is a URL")),
                Some("AWS::DynamoDB::Table") => Some(format!("Ref of {id} is a name")),
                _ => None,
            },
            Some(Piece::Literal(text)) if !text.starts_with("arn:") => Some(format!("{text} is no ARN")),
            _ => None,
        };
        faults.extend(said.map(|said| Fault::new(mapping.at("EventSourceArn"), said)));
    }
    faults
}
