//! Whether topics may deliver: what lets SNS into a queue or a function, and for which topic.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::Error,
    dead_letters::{self, QUEUE},
    topics::{SUBSCRIPTION, TOPIC},
};
use crate::check::context::Facts;
use cfn::Path;
use cfn::view::{
    Field, ResourceView, known_items,
    policies::{Attachments, Statements},
    statements::{self, About, Statement, every},
    text::{Piece, Text, function},
};

const SNS: &str = "sns.amazonaws.com";
const QUEUE_POLICY: &str = "AWS::SQS::QueuePolicy";
const FUNCTION: &str = "AWS::Lambda::Function";
const PERMISSION: &str = "AWS::Lambda::Permission";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SNS-1",
        severity: Error,
        title: "a topic may deliver to its subscribers",
        why: "without a queue policy, or a permission of the function, for this topic, every delivery is refused",
        mend: "let sns.amazonaws.com send to the queue (or call the function) where aws:SourceArn is the topic",
        find: may_deliver,
    },
    Rule {
        id: "SNS-2",
        severity: Error,
        title: "what lets SNS in names the topic",
        why: "a source that is no topic's ARN, or another topic's, lets nothing in",
        mend: "set SourceArn to a Ref of the topic that is subscribed",
        find: wrong_source,
    },
];

/// A topic of the template that delivers to a queue or function of it.
#[derive(Clone)]
struct Delivery<'a> {
    topic: ResourceView<'a>,
    to: ResourceView<'a>,
    /// Where the subscription says so.
    path: Path,
    /// What goes there.
    what: &'static str,
}

fn deliveries<'a>(facts: &Facts<'a>) -> Vec<Delivery<'a>> {
    let mut all = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let topic = subscription.field("TopicArn").value().and_then(|topic| facts.target(topic, TOPIC));
        let Some(topic) = topic else { continue };
        let kind = match subscription.literal("Protocol").as_deref() {
            Some("sqs") => Some(QUEUE),
            Some("lambda") => Some(FUNCTION),
            _ => None,
        };
        let endpoint = subscription.field("Endpoint").value();
        if let Some(to) = kind.zip(endpoint).and_then(|(kind, endpoint)| facts.target(endpoint, kind)) {
            all.push(Delivery { topic, to, path: subscription.path(), what: "what is published" });
        }
        if let Some(to) = dead_letters::of(subscription).and_then(|target| target.queue(facts)) {
            all.push(Delivery { topic, to, path: subscription.at("RedrivePolicy"), what: "what it could not deliver" });
        }
    }
    all
}

/// Something that lets SNS into a queue or a function.
struct Entry<'a> {
    path: Path,
    /// The topics it is for; any where this is empty.
    sources: Vec<&'a Json>,
}

/// What lets SNS into a queue or a function; nothing where that is not known.
fn entries<'a>(facts: &Facts<'a>, policies: &Attachments<'a>, to: ResourceView<'a>) -> Option<Vec<Entry<'a>>> {
    if to.is(FUNCTION) { permissions(facts, to) } else { statements(facts, &policies.to(facts, to)) }
}

fn permissions<'a>(facts: &Facts<'a>, function: ResourceView<'a>) -> Option<Vec<Entry<'a>>> {
    if facts.may_grow() {
        return None;
    }
    let mut entries = Vec::new();
    for permission in facts.all(PERMISSION) {
        let named = permission.field("FunctionName").value().and_then(|named| facts.target(named, FUNCTION));
        match named {
            Some(named) if named.id != function.id => continue,
            Some(_) => {}
            None => return None,
        }
        match permission.literal("Principal")?.as_str() {
            SNS => {}
            "*" => return None,
            _ => continue,
        }
        let sources = match permission.field("SourceArn") {
            Field::Absent => Vec::new(),
            Field::Is(source) => vec![source],
            Field::Unknown => return None,
        };
        entries.push(Entry { path: permission.at("SourceArn"), sources });
    }
    Some(entries)
}

fn statements<'a>(facts: &Facts<'a>, statements: &Statements<'a>) -> Option<Vec<Entry<'a>>> {
    if !statements.is_complete() {
        return None;
    }
    let mut entries = Vec::new();
    for statement in &statements.known {
        let lets = [statement.effect(), statement.is_about_action("sqs:SendMessage"), statement.is_for_service(SNS)];
        if every(lets)? {
            let sources = sources(statement)?;
            // Everyone is let in: what is no topic is the source of another service.
            if statement.is_for_everyone() && sources.iter().any(|source| not_a_topic(facts, source).is_some()) {
                continue;
            }
            entries.push(Entry { path: statement.path.key("Condition"), sources });
        }
    }
    Some(entries)
}

/// What a statement's conditions on `aws:SourceArn` ask for; nothing where the conditions are not known.
fn sources<'a>(statement: &Statement<'a>) -> Option<Vec<&'a Json>> {
    let operators = match statement.field("Condition") {
        Field::Absent => return Some(Vec::new()),
        Field::Is(Json::Object(operators)) => operators,
        Field::Is(_) | Field::Unknown => return None,
    };
    let mut sources = Vec::new();
    for (operator, keys) in operators {
        let keys = keys.as_object().filter(|keys| !operator.starts_with("Fn::") && function(keys).is_none())?;
        for (_, value) in keys.iter().filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn")) {
            let (known, complete) = known_items(Field::of(value), &statement.path);
            if !complete && known.is_empty() {
                return None;
            }
            sources.extend(known.into_iter().map(|(_, source)| source));
        }
    }
    Some(sources)
}

/// Whether an entry may be for a topic; only what is certainly another thing is not.
fn is_for(facts: &Facts<'_>, entry: &Entry<'_>, topic: ResourceView<'_>) -> bool {
    let from = |source: &&Json| {
        statements::is_about(facts, source, topic) != About::Other && not_a_topic(facts, source).is_none()
    };
    entry.sources.is_empty() || entry.sources.iter().any(from)
}

/// Deliveries that nothing lets in, each with the entries that are for none of the subscriber's topics.
fn refused<'a>(facts: &Facts<'a>) -> Vec<(Delivery<'a>, Vec<Entry<'a>>)> {
    let all = deliveries(facts);
    let topics_of = |to: ResourceView<'_>| -> Vec<ResourceView<'a>> {
        all.iter().filter(|delivery| delivery.to.id == to.id).map(|delivery| delivery.topic).collect()
    };
    let policies = Attachments::of(facts, QUEUE_POLICY, "Queues", QUEUE);
    let mut refused = Vec::new();
    for delivery in &all {
        let Some(entries) = entries(facts, &policies, delivery.to) else { continue };
        if !entries.iter().any(|entry| is_for(facts, entry, delivery.topic)) {
            let topics = topics_of(delivery.to);
            let spare = entries.into_iter().filter(|entry| !topics.iter().any(|topic| is_for(facts, entry, *topic)));
            refused.push((delivery.clone(), spare.collect()));
        }
    }
    refused
}

fn may_deliver(facts: &Facts<'_>) -> Vec<Fault> {
    // Where something lets SNS in for a wrong source, the other rule says so.
    let nothing = refused(facts).into_iter().filter(|(_, spare)| spare.is_empty());
    nothing
        .map(|(Delivery { topic, to, path, what }, _)| {
            Fault::new(path, format!("nothing lets {} send {what} to {}", topic.id, to.id))
        })
        .collect()
}

fn wrong_source(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut say = |path: Path, message: String| {
        if faults.iter().all(|fault| fault.path != path) {
            faults.push(Fault::new(path, message));
        }
    };
    let receivers = facts.resources().filter(|thing| thing.is(QUEUE) || thing.is(FUNCTION));
    let policies = Attachments::of(facts, QUEUE_POLICY, "Queues", QUEUE);
    for entry in receivers.filter_map(|to| entries(facts, &policies, to)).flatten() {
        for said in entry.sources.iter().filter_map(|source| not_a_topic(facts, source)) {
            say(entry.path.clone(), said);
        }
    }
    for (delivery, spare) in refused(facts) {
        for entry in spare {
            let named: Vec<String> = entry.sources.iter().map(|source| Text::of(source).shown()).collect();
            let message = format!("lets {} in, and {} is subscribed", named.join(", "), delivery.topic.id);
            say(entry.path, message);
        }
    }
    faults
}

/// Why a source is no topic's ARN, if it certainly is none.
fn not_a_topic(facts: &Facts<'_>, source: &Json) -> Option<String> {
    let text = Text::of(source);
    match text.only() {
        Some(Piece::Ref(id)) => {
            let other = facts.resource(id).filter(|thing| !thing.is(TOPIC))?;
            Some(format!("{} is no topic", other.id))
        }
        Some(Piece::Attribute(id, attribute)) => {
            let thing = facts.resource(id)?;
            match (thing.is(TOPIC), attribute.as_str()) {
                (true, "TopicArn") => None,
                (true, _) => Some(format!("{id}.{attribute} is not the topic's ARN")),
                // What other types answer under another name may be a topic's ARN.
                (false, "Arn") => Some(format!("{id} is no topic")),
                (false, _) => None,
            }
        }
        Some(Piece::Literal(literal)) if !literal.contains('*') => match text.arn() {
            Some([_, _, service, ..]) if service.literal() == Some("sns") => None,
            _ => Some(format!("{literal} is not a topic's ARN")),
        },
        _ => None,
    }
}
