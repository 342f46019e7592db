//! What a value that names a target stands for.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{EdgeKind, End};
use cfn::{
    LogicalId,
    view::{
        ResourceView, TemplateView,
        policies::{self, Purpose},
        statements::covers,
        text::{Piece, Text},
    },
};

pub(super) const QUEUE: &str = "AWS::SQS::Queue";
pub(super) const TOPIC: &str = "AWS::SNS::Topic";
pub(super) const FUNCTION: &str = "AWS::Lambda::Function";
const ROLE: &str = "AWS::IAM::Role";

/// Types that stand for a function's code at a time.
const OF_A_FUNCTION: [&str; 2] = ["AWS::Lambda::Alias", "AWS::Lambda::Version"];

/// Types by the service in their ARNs, for targets that are named by an ARN as text.
const BY_SERVICE: [(&str, &str); 4] =
    [("sqs", QUEUE), ("sns", TOPIC), ("lambda", FUNCTION), ("dynamodb", "AWS::DynamoDB::Table")];

/// Types that are targets by their bare names.
const BY_NAME: [&str; 3] = [FUNCTION, "AWS::Logs::LogGroup", "AWS::ApiGatewayV2::DomainName"];

/// What a role may send to, and read, where it is one thing each.
///
/// Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
const ENTITLED: [(&str, EdgeKind); 11] = [
    ("sqs:SendMessage", EdgeKind::Sends),
    ("sns:Publish", EdgeKind::Sends),
    ("events:PutEvents", EdgeKind::Sends),
    ("states:StartExecution", EdgeKind::Sends),
    ("lambda:InvokeFunction", EdgeKind::Sends),
    ("kinesis:PutRecord", EdgeKind::Sends),
    ("firehose:PutRecord", EdgeKind::Sends),
    ("dynamodb:PutItem", EdgeKind::Sends),
    ("s3:PutObject", EdgeKind::Sends),
    ("secretsmanager:GetSecretValue", EdgeKind::Reads),
    ("ssm:GetParameter", EdgeKind::Reads),
];

/// What a value stands for: a resource of the template, by whatever reference or by its name, or something outside.
/// Nothing where it is not known.
pub(super) fn end(facts: &TemplateView<'_>, value: &Json) -> Option<End> {
    let text = Text::of(value);
    let named = text.pieces().iter().find_map(|piece| match piece {
        Piece::Ref(id) | Piece::Attribute(id, _) => facts.resource(id),
        Piece::Literal(_) | Piece::Unknown => None,
    });
    if let Some(thing) = named.or_else(|| by_name(facts, &text)) {
        return Some(End::Resource(behind(facts, thing).id.clone()));
    }
    text.is_determined().then(|| End::Other(text.shown()))
}

fn by_name<'a>(facts: &TemplateView<'a>, text: &Text) -> Option<ResourceView<'a>> {
    if let Some([_, _, service, ..]) = text.arn() {
        let (_, kind) = BY_SERVICE.iter().find(|(name, _)| service.literal() == Some(name))?;
        return facts.target_of(text, kind);
    }
    let name = text.literal()?;
    BY_NAME.iter().find_map(|kind| facts.all(kind).find(|thing| thing.name() == Some(name)))
}

/// The function behind an alias or a version; anything else is itself.
fn behind<'a>(facts: &TemplateView<'a>, thing: ResourceView<'a>) -> ResourceView<'a> {
    if !OF_A_FUNCTION.contains(&thing.resource.kind.as_str()) {
        return thing;
    }
    let function = thing.field("FunctionName").value().and_then(|name| facts.target(name, FUNCTION));
    function.unwrap_or(thing)
}

/// What each role may send to, and read, as far as its policies name it.
pub(super) fn entitlements<'a>(facts: &TemplateView<'a>) -> HashMap<&'a LogicalId, Vec<(EdgeKind, End)>> {
    let mut found: HashMap<&LogicalId, Vec<(EdgeKind, End)>> = HashMap::new();
    for policy in policies::all(facts).into_iter().filter(|policy| policy.purpose == Purpose::Identity) {
        let roles: Vec<ResourceView<'_>> = if policy.owner.is(ROLE) {
            vec![policy.owner]
        } else {
            policy.owner.list("Roles").into_iter().filter_map(|role| facts.target(role, ROLE)).collect()
        };
        for statement in policy.statements().iter().filter(|statement| statement.allows()) {
            let actions = statement.actions();
            let kinds: Vec<&EdgeKind> = ENTITLED
                .iter()
                .filter(|(action, _)| actions.iter().any(|(_, pattern)| covers(pattern, action)))
                .map(|(_, kind)| kind)
                .collect();
            for (_, resource) in statement.resources() {
                let to = end(facts, resource).filter(|to| to.resource().is_some());
                for (kind, to) in kinds.iter().filter_map(|kind| Some((*kind, to.clone()?))) {
                    roles.iter().for_each(|role| {
                        let of_role = found.entry(role.id).or_default();
                        if !of_role.contains(&(kind.clone(), to.clone())) {
                            of_role.push((kind.clone(), to.clone()));
                        }
                    });
                }
            }
        }
    }
    found
}
