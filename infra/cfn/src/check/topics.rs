//! SNS: topics, their policies, subscriptions.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::{self, QUEUE, is_fifo, order_word},
    facts::{Facts, Field, Thing},
    names,
    policies::{self, About, Policy, Statement},
    text::{Piece, Text},
};
use crate::Path;

pub(super) const TOPIC: &str = "AWS::SNS::Topic";
pub(super) const SUBSCRIPTION: &str = "AWS::SNS::Subscription";
const TOPIC_POLICY: &str = "AWS::SNS::TopicPolicy";
const QUEUE_POLICY: &str = "AWS::SQS::QueuePolicy";
const FUNCTION: &str = "AWS::Lambda::Function";
const PERMISSION: &str = "AWS::Lambda::Permission";

/// What a filter policy may hold beside values.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>
const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists", "cidr", "wildcard"];

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
        mend: "set SourceArn to a Ref of the topic",
        find: source_is_topic,
    },
    Rule {
        id: "SNS-3",
        severity: Warning,
        title: "a subscription keeps what it could not deliver",
        why: "SNS gives up after its last try, and the message is gone",
        mend: "set RedrivePolicy with a queue's ARN as deadLetterTargetArn",
        find: redrive,
    },
    Rule {
        id: "SNS-4",
        severity: Error,
        title: "an endpoint is of its protocol's kind",
        why: "SNS refuses a queue's URL or a name where the protocol wants an ARN",
        mend: "use Fn::GetAtt with Arn",
        find: endpoint,
    },
    Rule {
        id: "SNS-5",
        severity: Error,
        title: "a filter policy is one that SNS takes",
        why: "SNS refuses it, and the deployment fails",
        mend: "give every key a list of values and operators, at most five keys; see \
               https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html",
        find: filter_policy,
    },
    Rule {
        id: "SNS-6",
        severity: Warning,
        title: "not everyone may use a topic",
        why: "with the principal `*` and no condition, every account of AWS may publish or subscribe",
        mend: "name the service or the account, or add a condition on aws:SourceArn or aws:SourceAccount",
        find: open_policy,
    },
    Rule {
        id: "SNS-7",
        severity: Error,
        title: "a FIFO topic's name ends in .fifo, others' do not",
        why: "SNS refuses other names",
        mend: "change the name, or FifoTopic",
        find: |facts| names::fifo_name_faults(facts, TOPIC, "TopicName", "FifoTopic"),
    },
    Rule {
        id: "SNS-8",
        severity: Error,
        title: "a standard topic feeds standard queues",
        why: "SNS refuses to subscribe a FIFO queue to a standard topic",
        mend: "make the topic a FIFO topic, or the queue a standard queue",
        find: fifo_subscriber,
    },
    Rule {
        id: "SNS-9",
        severity: Warning,
        title: "a topic is encrypted at rest",
        why: "SNS keeps messages until they are delivered, for days if it must",
        mend: "set KmsMasterKeyId: a key of the stack, or alias/aws/sns",
        find: encryption,
    },
    Rule {
        id: "SNS-10",
        severity: Error,
        title: "a subscription's dead-letter queue is of its topic's kind",
        why: "SNS refuses a FIFO queue for what a standard topic could not deliver",
        mend: "use a queue of the topic's kind",
        find: dead_letter_kind,
    },
    Rule {
        id: "SNS-11",
        severity: Warning,
        title: "a topic takes messages over TLS only",
        why: "SNS also answers plain HTTP",
        mend: "add a statement to its policy that denies sns:Publish where aws:SecureTransport is false",
        find: tls_only,
    },
];

/// The topic of a subscription, where it is one of the template.
fn topic_of<'a>(facts: &Facts<'a>, subscription: Thing<'a>) -> Option<Thing<'a>> {
    facts.target(subscription.field("TopicArn").value()?, TOPIC)
}

fn subscriber<'a>(facts: &Facts<'a>, subscription: Thing<'a>, protocol: &str, kind: &'static str) -> Option<Thing<'a>> {
    let is = subscription.literal("Protocol").as_deref() == Some(protocol);
    facts.target(subscription.field("Endpoint").value().filter(|_| is)?, kind)
}

fn may_deliver(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let Some(topic) = topic_of(facts, subscription) else { continue };
        if let Some(queue) = subscriber(facts, subscription, "sqs", QUEUE)
            && !queue_lets(facts, queue, topic)
        {
            faults.push(Fault::new(subscription.path(), format!("no policy lets {} send to {}", topic.id, queue.id)));
        }
        let dead_letters = dead_letters::of(subscription).and_then(|target| target.queue(facts));
        if let Some(queue) = dead_letters
            && !queue_lets(facts, queue, topic)
        {
            let message = format!("no policy lets {} send what it could not deliver to {}", topic.id, queue.id);
            faults.push(Fault::new(subscription.at("RedrivePolicy"), message));
        }
        if let Some(function) = subscriber(facts, subscription, "lambda", FUNCTION)
            && !function_lets(facts, function, topic)
        {
            let message = format!("no permission lets {} call {}", topic.id, function.id);
            faults.push(Fault::new(subscription.path(), message));
        }
    }
    faults
}

/// Whether a queue's policies may let a topic send; what is not known counts as letting.
fn queue_lets(facts: &Facts<'_>, queue: Thing<'_>, topic: Thing<'_>) -> bool {
    let policies = facts.all(QUEUE_POLICY).filter(|policy| {
        let queues = policy.list("Queues");
        let unknown = matches!(policy.field("Queues"), Field::Unknown);
        unknown || queues.iter().any(|named| facts.target(named, QUEUE).is_none_or(|named| named.id == queue.id))
    });
    let mut known = true;
    for policy in policies {
        let documents = policies::of(policy);
        if documents.is_empty() {
            known = false;
        }
        for statement in documents.iter().flat_map(Policy::statements) {
            if lets_send(facts, &statement, topic) {
                return true;
            }
        }
    }
    !known
}

fn lets_send(facts: &Facts<'_>, statement: &Statement<'_>, topic: Thing<'_>) -> bool {
    let sends = statement.actions().iter().any(|(_, pattern)| policies::covers(pattern, "sqs:SendMessage"));
    let unknown_action = matches!(statement.field("Action"), Field::Unknown);
    let by_sns = statement.is_for_service("sns.amazonaws.com") != Some(false);
    let conditions = sources(statement.json);
    let from_topic = conditions.is_empty() || conditions.iter().any(|source| is_from(facts, source, topic));
    statement.allows() && (sends || unknown_action) && by_sns && from_topic
}

/// Whether a source's condition may be the topic: only another resource's is certainly not.
fn is_from(facts: &Facts<'_>, source: &Json, topic: Thing<'_>) -> bool {
    policies::is_about(facts, source, topic) != About::Other
}

/// What a statement's conditions on `aws:SourceArn` ask for.
fn sources(statement: &Json) -> Vec<&Json> {
    let operators = statement.get("Condition").and_then(Json::as_object).into_iter().flatten();
    let keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    let sources = keys.filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"));
    sources.flat_map(|(_, value)| Field::of(value).items()).collect()
}

/// Whether a function's permissions may let a topic call it; what is not known counts as letting.
fn function_lets(facts: &Facts<'_>, function: Thing<'_>, topic: Thing<'_>) -> bool {
    facts.all(PERMISSION).any(|permission| {
        let named = permission.field("FunctionName").value();
        let its = named.is_none_or(|named| facts.target(named, FUNCTION).is_none_or(|named| named.id == function.id));
        let principal = permission.literal("Principal");
        let by_sns = principal.is_none_or(|principal| principal == "sns.amazonaws.com" || principal == "*");
        let source = permission.field("SourceArn").value();
        its && by_sns && source.is_none_or(|source| is_from(facts, source, topic))
    })
}

fn source_is_topic(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for permission in facts.all(PERMISSION) {
        if permission.literal("Principal").as_deref() == Some("sns.amazonaws.com")
            && let Field::Is(source) = permission.field("SourceArn")
        {
            faults.extend(not_a_topic(facts, source).map(|said| Fault::new(permission.at("SourceArn"), said)));
        }
    }
    for policy in facts.all(QUEUE_POLICY).flat_map(policies::of) {
        for statement in policy.statements() {
            if statement.is_for_service("sns.amazonaws.com") != Some(true) || statement.is_for_everyone() {
                continue;
            }
            for source in sources(statement.json) {
                let path = statement.path.key("Condition");
                faults.extend(not_a_topic(facts, source).map(|said| Fault::new(path.clone(), said)));
            }
        }
    }
    // A topic that is there and subscribed elsewhere is another topic: `may_deliver` says so.
    faults
}

/// Why a source is no topic's ARN, if it certainly is none.
fn not_a_topic(facts: &Facts<'_>, source: &Json) -> Option<String> {
    let text = Text::of(source);
    match text.only() {
        Some(Piece::Ref(id)) => {
            let other = facts.thing(id).filter(|thing| !thing.is(TOPIC))?;
            Some(format!("{} is no topic", other.id))
        }
        Some(Piece::Attribute(id, attribute)) => {
            let thing = facts.thing(id)?;
            match (thing.is(TOPIC), attribute.as_str()) {
                (true, "TopicArn") => None,
                (true, _) => Some(format!("{id}.{attribute} is not the topic's ARN")),
                // What other types answer under this name may be a topic's ARN.
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

fn redrive(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION).filter(|subscription| subscription.lacks("RedrivePolicy")) {
        // Nobody redrives mail and text messages.
        let machine = ["sqs", "lambda", "https", "http", "firehose"];
        if subscription.literal("Protocol").is_some_and(|protocol| machine.contains(&protocol.as_str())) {
            faults.push(Fault::new(subscription.path(), "what cannot be delivered is lost"));
        }
    }
    faults
}

fn endpoint(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let (Some(protocol), Some(endpoint)) = (subscription.literal("Protocol"), subscription.text("Endpoint")) else {
            continue;
        };
        faults.extend(
            endpoint_fault(facts, &protocol, &endpoint).map(|said| Fault::new(subscription.at("Endpoint"), said)),
        );
    }
    faults
}

fn endpoint_fault(facts: &Facts<'_>, protocol: &str, endpoint: &Text) -> Option<String> {
    let kind = match protocol {
        "sqs" => QUEUE,
        "lambda" => FUNCTION,
        _ => return None,
    };
    match endpoint.only() {
        Some(Piece::Ref(id)) => {
            let thing = facts.thing(id)?;
            let what = match thing.resource.kind.as_str() {
                QUEUE => "a URL",
                FUNCTION => "a name",
                // What `Ref` of other types gives may well be an ARN: an alias, a version.
                _ => return None,
            };
            Some(format!("Ref of {id} is {what}, and {protocol} wants an ARN"))
        }
        Some(Piece::Attribute(id, attribute)) => {
            let thing = facts.thing(id)?;
            match (thing.resource.kind.as_str(), attribute.as_str()) {
                (other @ (QUEUE | FUNCTION), "Arn") if other != kind => {
                    Some(format!("{id} is of the wrong type for {protocol}"))
                }
                (QUEUE | FUNCTION, "Arn") => None,
                (QUEUE | FUNCTION, _) => Some(format!("{id}.{attribute} is not its ARN")),
                _ => None,
            }
        }
        Some(Piece::Literal(text)) if !text.starts_with("arn:") && !text.starts_with("{{resolve:") => {
            Some(format!("{text} is no ARN"))
        }
        _ => None,
    }
}

fn filter_policy(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let parsed;
        let policy = match subscription.field("FilterPolicy") {
            Field::Is(Json::String(text)) => match serde_json::from_str::<Json>(text) {
                Ok(policy) => {
                    parsed = policy;
                    &parsed
                }
                Err(error) => {
                    faults.push(Fault::new(subscription.at("FilterPolicy"), format!("not JSON: {error}")));
                    continue;
                }
            },
            Field::Is(policy @ Json::Object(_)) if super::text::function_name(policy).is_none() => policy,
            _ => continue,
        };
        let nested = subscription.literal("FilterPolicyScope").as_deref() == Some("MessageBody");
        faults.extend(policy_faults(policy, &subscription.at("FilterPolicy"), nested));
    }
    faults
}

/// What SNS refuses in a filter policy. A body's members may be nested; attributes have no members.
fn policy_faults(policy: &Json, path: &Path, nested: bool) -> Vec<Fault> {
    let Json::Object(keys) = policy else { return vec![Fault::new(path.clone(), "not an object")] };
    let mut faults = Vec::new();
    if keys.len() > 5 {
        faults.push(Fault::new(path.clone(), format!("{} keys, at most 5", keys.len())));
    }
    for (key, value) in keys {
        let path = path.key(key);
        match value {
            Json::Array(items) if key == "$or" => {
                faults.extend(
                    items.iter().enumerate().flat_map(|(at, item)| policy_faults(item, &path.item(at), nested)),
                );
            }
            Json::Array(items) if items.is_empty() => faults.push(Fault::new(path, "the list is empty")),
            Json::Array(items) => {
                faults.extend(
                    items
                        .iter()
                        .enumerate()
                        .filter_map(|(at, item)| operator_fault(item).map(|said| Fault::new(path.item(at), said))),
                );
            }
            Json::Object(_) if super::text::function_name(value).is_some() => {}
            Json::Object(_) if nested => faults.extend(policy_faults(value, &path, nested)),
            _ => faults.push(Fault::new(path, "the values must stand in a list")),
        }
    }
    faults
}

fn operator_fault(item: &Json) -> Option<String> {
    let Json::Object(entries) = item else {
        return item.is_array().then(|| "a list stands among the values".to_owned());
    };
    if super::text::function_name(item).is_some() {
        return None;
    }
    let (Some((name, value)), 1) = (entries.iter().next(), entries.len()) else {
        return Some("an operator stands alone in its object".to_owned());
    };
    if !OPERATORS.contains(&name.as_str()) {
        return Some(format!("there is no operator {name}: {}", OPERATORS.join(", ")));
    }
    match (name.as_str(), value) {
        ("exists", value) if value.as_bool().is_none() && !value.is_string() => {
            Some("exists takes true or false".to_owned())
        }
        ("numeric", Json::Array(pairs)) if pairs.len() % 2 == 0 && !pairs.is_empty() => {
            let signs = pairs.iter().step_by(2);
            let wrong = signs.filter_map(Json::as_str).find(|sign| !["=", "<", "<=", ">", ">="].contains(sign));
            wrong.map(|sign| format!("numeric knows no {sign}"))
        }
        ("numeric", _) => Some("numeric takes a list of signs and numbers in turn".to_owned()),
        _ => None,
    }
}

fn open_policy(facts: &Facts<'_>) -> Vec<Fault> {
    open_statements(facts, TOPIC_POLICY, "everyone may use the topic")
}

/// Statements of policies that let everyone do something, without a condition.
pub(super) fn open_statements(facts: &Facts<'_>, kind: &'static str, said: &str) -> Vec<Fault> {
    let policies = facts.all(kind).flat_map(policies::of);
    let statements = policies.flat_map(|policy| policy.statements());
    let open = statements.filter(|one| one.allows() && one.is_for_everyone() && !one.is_conditional());
    open.map(|one| Fault::new(one.path.key("Principal"), said)).collect()
}

fn fifo_subscriber(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let topic = topic_of(facts, subscription);
        let queue = subscriber(facts, subscription, "sqs", QUEUE);
        if let (Some(topic), Some(queue)) = (topic, queue)
            && is_fifo(topic) == Some(false)
            && is_fifo(queue) == Some(true)
        {
            let message = format!("{} is a standard topic, {} a FIFO queue", topic.id, queue.id);
            faults.push(Fault::new(subscription.at("Endpoint"), message));
        }
    }
    faults
}

fn encryption(facts: &Facts<'_>) -> Vec<Fault> {
    let bare = facts.all(TOPIC).filter(|topic| topic.lacks("KmsMasterKeyId"));
    bare.map(|topic| Fault::new(topic.path(), "messages are kept in clear")).collect()
}

fn dead_letter_kind(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION) {
        let Some(target) = dead_letters::of(subscription) else { continue };
        let (Some(topic), Some(queue)) = (topic_of(facts, subscription), target.queue(facts)) else { continue };
        if is_fifo(topic) == Some(false) && is_fifo(queue) == Some(true) {
            let message = format!("{} is a {} topic, {} a FIFO queue", topic.id, order_word(false), queue.id);
            faults.push(Fault::new(target.path, message));
        }
    }
    faults
}

fn tls_only(facts: &Facts<'_>) -> Vec<Fault> {
    plain_text(facts, TOPIC, TOPIC_POLICY, "Topics")
}

/// Resources whose policies do not deny what comes without TLS.
pub(super) fn plain_text(
    facts: &Facts<'_>,
    kind: &'static str,
    policy_kind: &'static str,
    property: &str,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.all(kind) {
        let policies = facts.all(policy_kind).filter(|policy| {
            matches!(policy.field(property), Field::Unknown)
                || policy
                    .list(property)
                    .into_iter()
                    .any(|named| facts.target(named, kind).is_none_or(|named| named.id == thing.id))
        });
        let documents: Vec<_> = policies.map(policies::of).collect();
        // A policy that is not there as JSON may say it.
        let unknown = documents.iter().any(Vec::is_empty);
        let denies = documents.iter().flatten().flat_map(Policy::statements).any(|one| denies_plain_text(&one));
        if !unknown && !denies {
            faults.push(Fault::new(thing.path(), "plain HTTP is taken"));
        }
    }
    faults
}

fn denies_plain_text(statement: &Statement<'_>) -> bool {
    let operators = statement.json.get("Condition").and_then(Json::as_object).into_iter().flatten();
    let mut keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    let about_tls = keys.any(|(key, _)| key.eq_ignore_ascii_case("aws:SecureTransport"));
    !statement.allows() && about_tls
}
