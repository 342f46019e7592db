//! Where queues, subscriptions and functions send what nobody could work on.

use serde_json::Value as Json;

use crate::check::context::Facts;
use cfn::Path;
use cfn::view::{Field, ResourceView};

pub(super) const QUEUE: &str = "AWS::SQS::Queue";

/// A redrive policy that names a dead-letter queue.
pub(super) struct DeadLetter<'a> {
    pub(super) owner: ResourceView<'a>,
    /// The way to the target.
    pub(super) path: Path,
    /// The target as it is written.
    pub(super) arn: &'a Json,
}

impl<'a> DeadLetter<'a> {
    /// The queue, where it is one of the template.
    pub(super) fn queue(&self, facts: &Facts<'a>) -> Option<ResourceView<'a>> {
        facts.target(self.arn, QUEUE)
    }
}

/// The dead-letter target that a resource's `RedrivePolicy` names.
pub(super) fn of(owner: ResourceView<'_>) -> Option<DeadLetter<'_>> {
    let arn = owner.field("RedrivePolicy.deadLetterTargetArn").value()?;
    Some(DeadLetter { owner, path: owner.at("RedrivePolicy.deadLetterTargetArn"), arn })
}

/// Whether a queue or topic keeps an order; nothing where that is not known.
pub(super) fn is_fifo(thing: ResourceView<'_>) -> Option<bool> {
    let flag = if thing.is(QUEUE) { "FifoQueue" } else { "FifoTopic" };
    match thing.field(flag) {
        Field::Absent | Field::Is(_) => thing.truth_or(flag, false),
        Field::Unknown => None,
    }
}

/// `FIFO`, or `standard`.
pub(super) fn order_word(fifo: bool) -> &'static str {
    if fifo { "FIFO" } else { "standard" }
}
