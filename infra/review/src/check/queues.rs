//! SQS: queues, their policies and dead-letter queues.

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::{self, QUEUE, is_fifo, order_word},
    names, sources, topics,
};
use crate::check::context::Facts;

const POLICY: &str = "AWS::SQS::QueuePolicy";

/// What SQS takes when a queue says nothing, in seconds.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sqs-queue.html>
const DEFAULT_RETENTION: f64 = 345_600.0;

/// AWS's advice: a function that is throttled counts as a receive.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
const LEAST_RECEIVES: f64 = 5.0;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SQS-2",
        severity: Warning,
        title: "a queue that feeds a function has a dead-letter queue",
        why: "a message that always fails would come back until it is too old, and then be gone",
        mend: "set RedrivePolicy with another queue's ARN and a maxReceiveCount",
        find: redrive,
    },
    Rule {
        id: "SQS-3",
        severity: Warning,
        title: "a message is received five times before it is given up",
        why: "a throttled function counts as a receive: with fewer, good messages end in the dead-letter queue",
        mend: "set maxReceiveCount to 5 or more",
        find: receives,
    },
    Rule {
        id: "SQS-4",
        severity: Warning,
        title: "a dead-letter queue keeps messages as long as its source",
        why: "AWS advises so: a standard queue's message even keeps its age when it moves, and may be gone before anybody \
              looked",
        mend: "set the dead-letter queue's MessageRetentionPeriod above its source's; 1209600 is the most",
        find: retention,
    },
    Rule {
        id: "SQS-5",
        severity: Warning,
        title: "not everyone may use a queue",
        why: "with the principal `*` and no condition, every account of AWS may send or receive",
        mend: "name the service or the account, or add a condition on aws:SourceArn or aws:SourceAccount",
        find: |facts| topics::open_statements(facts, POLICY, "everyone may use the queue"),
    },
    Rule {
        id: "SQS-6",
        severity: Error,
        title: "a FIFO queue's name ends in .fifo, others' do not",
        why: "SQS refuses other names",
        mend: "change the name, or FifoQueue",
        find: |facts| names::fifo_name_faults(facts, QUEUE, "QueueName", "FifoQueue"),
    },
    Rule {
        id: "SQS-7",
        severity: Error,
        title: "a dead-letter queue is of its source's kind",
        why: "SQS refuses a FIFO queue for a standard one's messages, and the other way round",
        mend: "use a queue of the source's kind",
        find: dead_letter_kind,
    },
    Rule {
        id: "SQS-8",
        severity: Error,
        title: "a queue is not its own dead-letter queue",
        why: "it would need itself before it is made",
        mend: "use another queue",
        find: own_dead_letter,
    },
    Rule {
        id: "SQS-9",
        severity: Warning,
        title: "a queue is encrypted at rest",
        why: "SQS encrypts unless it is told not to, at no cost",
        mend: "remove SqsManagedSseEnabled, or set KmsMasterKeyId",
        find: encryption,
    },
    Rule {
        id: "SQS-10",
        severity: Error,
        title: "a queue is encrypted in one way",
        why: "SQS refuses its own key and KMS at once",
        mend: "keep KmsMasterKeyId or SqsManagedSseEnabled",
        find: two_encryptions,
    },
    Rule {
        id: "SQS-11",
        severity: Warning,
        title: "a queue takes messages over TLS only",
        why: "SQS also answers plain HTTP",
        mend: "add a statement to its policy that denies sqs:SendMessage and sqs:ReceiveMessage where aws:SecureTransport \
               is false",
        find: |facts| topics::plain_text(facts, QUEUE, POLICY, "Queues"),
    },
    Rule {
        id: "SQS-12",
        severity: Error,
        title: "only a FIFO queue has a FIFO queue's properties",
        why: "SQS refuses them on a standard queue (Unknown Attribute)",
        mend: "set FifoQueue to true, or remove the property",
        find: fifo_only,
    },
    Rule {
        id: "SQS-13",
        severity: Warning,
        title: "a service sends for a source that is named",
        why: "without a condition, the service may be made to send by anybody's things in any account",
        mend: "add a condition on aws:SourceArn or aws:SourceAccount",
        find: |facts| topics::services_for_anyone(facts, POLICY),
    },
];

fn redrive(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for mapping in sources::mappings(facts) {
        if mapping.queue.is_absent("RedrivePolicy") && faults.iter().all(|fault| fault.path != mapping.queue.path()) {
            let message = format!("{} is fed from it, and what fails has nowhere to go", mapping.function_name());
            faults.push(Fault::new(mapping.queue.path(), message));
        }
    }
    faults
}

fn receives(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for queue in facts.all(QUEUE) {
        let Some(count) = queue.number("RedrivePolicy.maxReceiveCount") else { continue };
        if count < LEAST_RECEIVES {
            let message = format!("given up after {count} receives");
            faults.push(Fault::new(queue.at("RedrivePolicy.maxReceiveCount"), message));
        }
    }
    faults
}

fn retention(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in facts.all(QUEUE) {
        let Some(target) = dead_letters::of(source).and_then(|target| target.queue(facts)) else { continue };
        let seconds = |queue: cfn::view::ResourceView<'_>| queue.number_or("MessageRetentionPeriod", DEFAULT_RETENTION);
        if let (Some(keeps), Some(wanted)) = (seconds(target), seconds(source))
            && keeps < wanted
        {
            let message = format!("{} keeps messages for {wanted} s, its dead-letter queue for {keeps} s", source.id);
            faults.push(Fault::new(target.path(), message));
        }
    }
    faults
}

fn dead_letter_kind(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in facts.all(QUEUE) {
        let Some(target) = dead_letters::of(source) else { continue };
        let Some(queue) = target.queue(facts) else { continue };
        if let (Some(one), Some(other)) = (is_fifo(source), is_fifo(queue))
            && one != other
        {
            let message =
                format!("{} is a {} queue, {} a {} one", source.id, order_word(one), queue.id, order_word(other));
            faults.push(Fault::new(target.path, message));
        }
    }
    faults
}

/// The queues that give up to themselves.
pub(super) fn own_dead_letters<'a>(facts: &Facts<'a>) -> impl Iterator<Item = dead_letters::DeadLetter<'a>> {
    let targets = facts.all(QUEUE).filter_map(dead_letters::of);
    targets.filter(|target| target.queue(facts).is_some_and(|queue| queue.id == target.owner.id))
}

fn own_dead_letter(facts: &Facts<'_>) -> Vec<Fault> {
    own_dead_letters(facts).map(|target| Fault::new(target.path, "the queue gives up to itself")).collect()
}

fn encryption(facts: &Facts<'_>) -> Vec<Fault> {
    let clear = facts.all(QUEUE).filter(|queue| {
        queue.truth_or("SqsManagedSseEnabled", true) == Some(false) && queue.is_absent("KmsMasterKeyId")
    });
    clear.map(|queue| Fault::new(queue.at("SqsManagedSseEnabled"), "messages are kept in clear")).collect()
}

fn two_encryptions(facts: &Facts<'_>) -> Vec<Fault> {
    let both = facts
        .all(QUEUE)
        .filter(|queue| queue.truth_or("SqsManagedSseEnabled", false) == Some(true) && queue.has("KmsMasterKeyId"));
    both.map(|queue| Fault::new(queue.path(), "both KmsMasterKeyId and SqsManagedSseEnabled are set")).collect()
}

fn fifo_only(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for queue in facts.all(QUEUE).filter(|queue| is_fifo(*queue) == Some(false)) {
        for property in ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"] {
            // A standard queue takes `false` in silence.
            if queue.has(property) && queue.truth_or(property, true) != Some(false) {
                faults.push(Fault::new(queue.at(property), format!("a standard queue has no {property}")));
            }
        }
    }
    faults
}
