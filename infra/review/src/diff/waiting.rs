//! What becomes of messages that wait in a queue while another one takes its place.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use super::{ADVICE, Change, Consequence, Detail, Fact, compared::Compared, words, words::amount};
use cfn::{
    LogicalId,
    view::{ResourceView, TemplateView},
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
    let (old, new) =
        (ResourceView { id: pair.old_id, resource: pair.old }, ResourceView { id: pair.new_id, resource: pair.new });
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
fn moved_consumers(compared: &Compared<'_>, old: ResourceView<'_>, new: ResourceView<'_>) -> Vec<String> {
    let (before, after) = (compared.old.facts(), compared.new.facts());
    let readers = sources(&before, old.id);
    let now: Vec<&LogicalId> = sources(&after, new.id).iter().map(|source| source.id).collect();
    if !readers.iter().all(|source| now.contains(&source.id) || after.resource(source.id.as_str()).is_none()) {
        return Vec::new();
    }
    let mut names: Vec<String> = readers.iter().map(|source| consumer(&before, *source)).collect();
    names.dedup();
    names
}

/// The event sources that read a queue.
fn sources<'a>(facts: &TemplateView<'a>, queue: &LogicalId) -> Vec<ResourceView<'a>> {
    let reads = |source: &ResourceView<'a>| {
        let arn = source.field("EventSourceArn").value();
        arn.and_then(|arn| facts.target(arn, QUEUE)).is_some_and(|target| target.id == queue)
    };
    facts.all(SOURCE).filter(reads).collect()
}

/// The function that an event source calls, or the event source itself where that is not in the template.
fn consumer(facts: &TemplateView<'_>, source: ResourceView<'_>) -> String {
    let function = source.field("FunctionName").value().and_then(|name| facts.target(name, "AWS::Lambda::Function"));
    function.map_or(source.id, |function| function.id).to_string()
}

#[cfg(test)]
mod tests {
    use crate::diff::{Context, Fact, diff};

    /// What is said of a queue that gets another name, which an event source reads by this ARN.
    fn said(policy: &str, arn: &str) -> Fact {
        let side = |name: &str| {
            let text = format!(
                "Resources:\n  Worker: {{Type: AWS::Lambda::Function, Properties: {{}}}}\n  Queue: {{Type: \
                 AWS::SQS::Queue, UpdateReplacePolicy: {policy}, Properties: {{QueueName: {name}}}}}\n  Source: {{Type: \
                 AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref Worker, EventSourceArn: {arn}}}}}\n"
            );
            cfn::read::template(&text).unwrap()
        };
        let found = diff(&side("orders"), &side("invoices"), &Context::default());
        found.facts.into_iter().find(|fact| fact.id == "replaced").unwrap()
    }

    fn advice(fact: &Fact) -> &str {
        fact.details.last().map(|detail| detail.text.as_str()).unwrap()
    }

    #[test]
    fn nobody_reads_the_old_queue_when_its_source_reads_the_new_one() {
        let fact = said("Retain", "!GetAtt Queue.Arn");
        let end = "with the messages in it, which nobody reads any more; they expire after 4 days";
        assert!(fact.sentence.ends_with(end), "{}", fact.sentence);
        let begin = "what to do: stop what sends to it, and let Worker empty it before this is deployed, or receive";
        assert!(advice(&fact).starts_with(begin), "{}", advice(&fact));
    }

    #[test]
    fn a_source_that_names_the_old_queue_reads_it_still() {
        let fact = said("Retain", "'arn:aws:sqs:eu-west-1:111111111111:orders'");
        assert!(fact.sentence.ends_with("with the messages in it"), "{}", fact.sentence);
        assert!(advice(&fact).starts_with("what to do: empty the old queue before"), "{}", advice(&fact));
    }

    #[test]
    fn what_waits_in_a_queue_that_is_deleted_is_lost() {
        let fact = said("Delete", "!GetAtt Queue.Arn");
        assert!(fact.sentence.ends_with("; the messages in it are lost"), "{}", fact.sentence);
        assert!(advice(&fact).ends_with("before this is deployed; what is in it then is lost"), "{}", advice(&fact));
    }
}
