//! SNS: topics, their policies, subscriptions.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::{self, QUEUE, is_fifo, order_word},
    names,
};
use crate::check::context::Facts;
use cfn::Path;
use cfn::view::{
    Field, ResourceView,
    policies::Attachments,
    statements::{Certain, Statement, any, every},
    text::{Piece, Text, is_dynamic},
};

pub(super) const TOPIC: &str = "AWS::SNS::Topic";
pub(super) const SUBSCRIPTION: &str = "AWS::SNS::Subscription";
const TOPIC_POLICY: &str = "AWS::SNS::TopicPolicy";
const FUNCTION: &str = "AWS::Lambda::Function";

/// What a filter policy may hold beside values.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>
const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists", "cidr", "wildcard"];

pub(super) const RULES: &[Rule] = &[
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
    Rule {
        id: "SNS-12",
        severity: Warning,
        title: "a service publishes for a source that is named",
        why: "without a condition, the service may be made to publish by anybody's things in any account",
        mend: "add a condition on aws:SourceArn or aws:SourceAccount",
        find: |facts| services_for_anyone(facts, TOPIC_POLICY),
    },
];

/// The topic of a subscription, where it is one of the template.
fn topic_of<'a>(facts: &Facts<'a>, subscription: ResourceView<'a>) -> Option<ResourceView<'a>> {
    facts.target(subscription.field("TopicArn").value()?, TOPIC)
}

fn subscriber<'a>(
    facts: &Facts<'a>,
    subscription: ResourceView<'a>,
    protocol: &str,
    kind: &'static str,
) -> Option<ResourceView<'a>> {
    let is = subscription.literal("Protocol").as_deref() == Some(protocol);
    facts.target(subscription.field("Endpoint").value().filter(|_| is)?, kind)
}

fn redrive(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for subscription in facts.all(SUBSCRIPTION).filter(|subscription| subscription.is_absent("RedrivePolicy")) {
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
            let thing = facts.resource(id)?;
            let what = match thing.resource.kind.as_str() {
                QUEUE => "a URL",
                FUNCTION => "a name",
                // What `Ref` of other types gives may well be an ARN: an alias, a version.
                _ => return None,
            };
            Some(format!("Ref of {id} is {what}, and {protocol} wants an ARN"))
        }
        Some(Piece::Attribute(id, attribute)) => {
            let thing = facts.resource(id)?;
            match (thing.resource.kind.as_str(), attribute.as_str()) {
                (other @ (QUEUE | FUNCTION), "Arn") if other != kind => {
                    Some(format!("{id} is of the wrong type for {protocol}"))
                }
                (QUEUE | FUNCTION, "Arn") => None,
                (QUEUE | FUNCTION, _) => Some(format!("{id}.{attribute} is not its ARN")),
                _ => None,
            }
        }
        Some(Piece::Literal(text)) if !text.starts_with("arn:") => Some(format!("{text} is no ARN")),
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
            Field::Is(policy @ Json::Object(_)) if cfn::view::text::function_name(policy).is_none() => policy,
            _ => continue,
        };
        let nested = match subscription.field("FilterPolicyScope") {
            Field::Absent => false,
            Field::Is(scope) => Text::of(scope).literal() != Some("MessageAttributes"),
            Field::Unknown => true,
        };
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
            Json::Object(_) if cfn::view::text::function_name(value).is_some() => {}
            Json::String(text) if is_dynamic(text) => {}
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
    if cfn::view::text::function_name(item).is_some() {
        return None;
    }
    let (Some((name, value)), 1) = (entries.iter().next(), entries.len()) else {
        return Some("an operator stands alone in its object".to_owned());
    };
    if !OPERATORS.contains(&name.as_str()) {
        return Some(format!("there is no operator {name}: {}", OPERATORS.join(", ")));
    }
    operand_fault(name, value)
}

/// Why an operator does not take a value, if it does not.
fn operand_fault(name: &str, value: &Json) -> Option<String> {
    let wanted = |fits: bool, what: &str| (!fits).then(|| format!("{name} takes {what}"));
    let texts = |value: &Json| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Json::is_string));
    match name {
        "exists" => {
            let fits = value.is_boolean() || ["true", "false"].iter().any(|truth| value.as_str() == Some(truth));
            wanted(fits, "true or false")
        }
        "prefix" | "suffix" | "equals-ignore-case" | "cidr" | "wildcard" => {
            wanted(value.is_string() || texts(value) || value.is_object(), "a text")
        }
        "anything-but" => wanted(!value.is_null() && !value.is_boolean(), "a value, a list of values or an operator"),
        "numeric" => {
            let pairs = value.as_array().filter(|pairs| pairs.len() % 2 == 0 && !pairs.is_empty());
            let fits = |pair: &[Json]| match pair {
                [Json::String(sign), number] => {
                    ["=", "<", "<=", ">", ">="].contains(&sign.as_str()) && (number.is_number() || number.is_object())
                }
                _ => false,
            };
            wanted(pairs.is_some_and(|pairs| pairs.chunks(2).all(fits)), "signs (=, <, <=, >, >=) and numbers in turn")
        }
        _ => None,
    }
}

fn open_policy(facts: &Facts<'_>) -> Vec<Fault> {
    open_statements(facts, TOPIC_POLICY, "everyone may use the topic")
}

/// Statements of policies that let everyone do something, without a condition.
pub(super) fn open_statements(facts: &Facts<'_>, kind: &str, said: &str) -> Vec<Fault> {
    let statements = facts.statements().iter().filter(|one| one.owner.is(kind)).map(|one| &one.statement);
    let open = statements.filter(|one| one.allows() && one.is_for_everyone() && !one.is_conditional());
    open.map(|one| Fault::new(one.path.key("Principal"), said)).collect()
}

/// Statements of policies that let a service of AWS do something, for whoever asks it.
pub(super) fn services_for_anyone(facts: &Facts<'_>, kind: &str) -> Vec<Fault> {
    let statements = facts.statements().iter().filter(|one| one.owner.is(kind)).map(|one| &one.statement);
    let open = statements.filter(|one| one.allows() && !one.is_conditional());
    open.filter_map(|one| {
        let service = one.field("Principal").member("Service").value()?;
        Some(Fault::new(one.path.clone(), format!("{} may do this for anyone", shown(service))))
    })
    .collect()
}

/// A service's name, or those of several.
fn shown(service: &Json) -> String {
    let names = Field::of(service).items();
    names.into_iter().map(|name| Text::of(name).shown()).collect::<Vec<_>>().join(", ")
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
    let bare = facts.all(TOPIC).filter(|topic| topic.is_absent("KmsMasterKeyId"));
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
    kind: &str,
    policy_kind: &'static str,
    property: &'static str,
) -> Vec<Fault> {
    let policies = Attachments::of(facts, policy_kind, property, kind);
    let open = facts.all(kind).filter(|thing| policies.to(facts, *thing).any(denies_plain_text) == Some(false));
    open.map(|thing| Fault::new(thing.path(), "plain HTTP is taken")).collect()
}

fn denies_plain_text(statement: &Statement<'_>) -> Certain {
    let condition = match statement.field("Condition") {
        Field::Is(Json::Object(operators)) => operators,
        Field::Absent => return Some(false),
        Field::Is(_) | Field::Unknown => return None,
    };
    let about_tls = condition.iter().map(|(operator, keys)| match keys {
        Json::Object(keys) if !operator.starts_with("Fn::") && cfn::view::text::function(keys).is_none() => {
            Some(keys.keys().any(|key| key.eq_ignore_ascii_case("aws:SecureTransport")))
        }
        _ => None,
    });
    every([statement.effect().map(|allows| !allows), any(about_tls)])
}
