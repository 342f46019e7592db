//! What becomes of messages that wait in a queue while another one takes its place.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use super::{ADVICE, Change, Consequence, Detail, Fact, compared::Compared, protection::amount, words};
use crate::{
    LogicalId,
    check::facts::{Facts, Thing},
};

const QUEUE: &str = "AWS::SQS::Queue";
const SOURCE: &str = "AWS::Lambda::EventSourceMapping";
/// So many seconds a message waits where the template says nothing.
const RETENTION: f64 = 345_600.0;

/// Adds to the fact about a queue that is replaced who reads what waits in the old one, and until when.
pub(super) fn tell(compared: &Compared<'_>, change: &Change, fact: &mut Fact) {
    if change.kind != QUEUE || !change.consequence.is_replacement() {
        return;
    }
    let Some(pair) = compared.pair(change.id.as_str()) else { return };
    let (old, new) = (Thing { id: pair.old_id, resource: pair.old }, Thing { id: pair.new_id, resource: pair.new });
    let stays = change.consequence == Consequence::ReplacementRetained;
    let consumers = moved_consumers(compared, old, new);
    let kept = old.number_or("MessageRetentionPeriod", RETENTION).map(|seconds| amount(seconds, "s"));
    if let (true, false, Some(kept)) = (stays, consumers.is_empty(), &kept) {
        fact.sentence.push_str(&format!(", which nobody reads any more; they expire after {kept}"));
    }
    if let (true, Some(kept)) = (stays, &kept) {
        fact.details.push(Detail::text(format!("a message in the old one is deleted {kept} after it was sent")));
    }
    if old.name() != new.name() {
        fact.details.push(Detail::text("SQS does not refuse it: the new one has another name than the old one"));
    }
    fact.details.push(Detail::text(format!("{ADVICE}{}", advice(&consumers, stays))));
}

fn advice(consumers: &[String], stays: bool) -> String {
    let empty = match consumers {
        [] => "empty the old queue before this is deployed".to_owned(),
        some => format!("stop what sends to it, and let {} empty it before this is deployed", words::listed(some)),
    };
    match stays {
        true => format!("{empty}, or receive afterwards what is left in the old one and send it to the new one"),
        false => format!("{empty}; what is in it then is lost"),
    }
}

/// What read the old queue by event sources that all read the new one, or are gone; nothing where one still names the old.
fn moved_consumers(compared: &Compared<'_>, old: Thing<'_>, new: Thing<'_>) -> Vec<String> {
    let (before, after) = (compared.old.facts(), compared.new.facts());
    let readers = sources(&before, old.id);
    let now: Vec<&LogicalId> = sources(&after, new.id).iter().map(|source| source.id).collect();
    if !readers.iter().all(|source| now.contains(&source.id) || after.thing(source.id.as_str()).is_none()) {
        return Vec::new();
    }
    let mut names: Vec<String> = readers.iter().map(|source| consumer(&before, *source)).collect();
    names.dedup();
    names
}

/// The event sources that read a queue.
fn sources<'a>(facts: &Facts<'a>, queue: &LogicalId) -> Vec<Thing<'a>> {
    let reads = |source: &Thing<'a>| {
        let arn = source.field("EventSourceArn").value();
        arn.and_then(|arn| facts.target(arn, QUEUE)).is_some_and(|target| target.id == queue)
    };
    facts.all(SOURCE).filter(reads).collect()
}

/// The function that an event source calls, or the event source itself where that is not in the template.
fn consumer(facts: &Facts<'_>, source: Thing<'_>) -> String {
    let function = source.field("FunctionName").value().and_then(|name| facts.target(name, "AWS::Lambda::Function"));
    function.map_or(source.id, |function| function.id).to_string()
}
