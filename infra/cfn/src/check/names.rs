//! Custom names and exports.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Fault, Rule, Severity::Error, facts::Facts, text::Text};
use crate::Path;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "NAME-1",
        severity: Error,
        title: "no two resources of a type have the same name",
        why: "the second one cannot be made: a name is there once in an account and region",
        mend: "give one of them another name",
        find: collisions,
    },
    Rule {
        id: "NAME-2",
        severity: Error,
        title: "no two outputs are exported under the same name",
        why: "an export's name is there once in an account and region",
        mend: "give one of them another name",
        find: exports,
    },
];

/// The property that names a resource of this type in its account and region.
pub(crate) fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::CloudWatch::Alarm" => "AlarmName",
        "AWS::CloudWatch::Dashboard" => "DashboardName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::Lambda::Function" => "FunctionName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::SecretsManager::Secret" => "Name",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::ApiGatewayV2::DomainName" => "DomainName",
        _ => return None,
    })
}

fn collisions(facts: &Facts<'_>) -> Vec<Fault> {
    let mut seen: HashMap<(&str, String), &str> = HashMap::new();
    let mut faults = Vec::new();
    for thing in facts.things() {
        // Two resources of which a condition takes one may well share a name.
        let property = name_property(&thing.resource.kind).filter(|_| thing.resource.condition.is_none());
        let Some((property, name)) = property.and_then(|property| Some((property, thing.text(property)?))) else {
            continue;
        };
        if !name.is_determined() {
            continue;
        }
        let shown = name.shown();
        match seen.get(&(thing.resource.kind.as_str(), shown.clone())) {
            Some(other) => faults.push(Fault::new(thing.at(property), format!("{other} has the name {shown} already"))),
            None => {
                seen.insert((&thing.resource.kind, shown), thing.id.as_str());
            }
        }
    }
    faults
}

fn exports(facts: &Facts<'_>) -> Vec<Fault> {
    let mut seen: Vec<(Text, &str)> = Vec::new();
    let mut faults = Vec::new();
    for (name, output) in &facts.template.outputs {
        let export = output.rest.get("Export").and_then(|export| export.get("Name"));
        let Some(export) = export.filter(|_| !output.rest.contains_key("Condition")).map(Text::of) else { continue };
        if let Some((_, other)) = seen.iter().find(|(text, _)| text.same(&export)) {
            let path = Path::default().key("Outputs").key(name).key("Export").key("Name");
            faults.push(Fault::new(path, format!("the output {other} is exported as {} already", export.shown())));
        }
        seen.push((export, name));
    }
    faults
}

/// The name that a FIFO queue or topic must have, and others must not.
pub(super) fn fifo_name_faults(facts: &Facts<'_>, kind: &'static str, property: &str, flag: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.all(kind) {
        let (Some(name), Some(fifo)) = (thing.field(property).value(), thing.truth_or(flag, false)) else { continue };
        let text = Text::of(name);
        let Some(ends) = ends_in_fifo(&text) else { continue };
        let shown = text.shown();
        match (fifo, ends) {
            (true, false) => faults.push(Fault::new(thing.at(property), format!("{shown} does not end in .fifo"))),
            (false, true) => {
                faults.push(Fault::new(thing.at(property), format!("{shown} ends in .fifo, and {flag} is not true")))
            }
            _ => {}
        }
    }
    faults
}

/// Whether a name ends in `.fifo`, where its end is known.
fn ends_in_fifo(name: &Text) -> Option<bool> {
    match name.pieces().last()? {
        super::text::Piece::Literal(end) => Some(end.ends_with(".fifo")),
        _ => None,
    }
}

/// Items of a list, each with the way to it.
pub(super) fn items<'a>(value: &'a Json, path: &Path) -> Vec<(Path, &'a Json)> {
    match value {
        Json::Array(items) => items.iter().enumerate().map(|(at, item)| (path.item(at), item)).collect(),
        one => vec![(path.clone(), one)],
    }
}
