//! What CloudFormation says that a change set would do, for people and for programs.

use aws_sdk_cloudformation::types::{ChangeAction, PolicyAction, Replacement, RequiresRecreation, ResourceChange};
use serde::Serialize;

use crate::text::printable;

/// One resource that would change. Fields are added, never changed or removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Reviewed {
    /// The logical id.
    resource: String,
    /// Such as `AWS::SQS::Queue`.
    kind: String,
    /// `add`, `modify`, `replace`, `may-replace`, `remove`, `import`, or CloudFormation's own word.
    action: String,
    /// The properties that change, each with whether that is what replaces the resource.
    properties: Vec<Property>,
    /// Whether the thing itself stays in the account when it leaves the stack or is replaced.
    kept: bool,
}

/// A property that changes; never its value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Property {
    name: String,
    replaces: bool,
}

/// The changes, what is lost first.
pub(crate) fn reviewed(changes: &[ResourceChange]) -> Vec<Reviewed> {
    let mut all: Vec<_> = changes.iter().map(one).collect();
    let order =
        |action: &str| ["remove", "replace", "may-replace", "modify", "add"].iter().position(|word| *word == action);
    all.sort_by_key(|change| order(&change.action));
    all
}

fn one(change: &ResourceChange) -> Reviewed {
    let action = match (change.action(), change.replacement()) {
        (Some(ChangeAction::Modify), Some(Replacement::True)) => "replace".to_owned(),
        (Some(ChangeAction::Modify), Some(Replacement::Conditional)) => "may-replace".to_owned(),
        (Some(action), _) => action.as_str().to_ascii_lowercase(),
        (None, _) => "unknown".to_owned(),
    };
    let mut properties: Vec<Property> = Vec::new();
    for target in change.details().iter().filter_map(|detail| detail.target()) {
        let name = target.name().or(target.attribute().map(|attribute| attribute.as_str())).unwrap_or_default();
        let replaces = matches!(
            target.requires_recreation(),
            Some(RequiresRecreation::Always | RequiresRecreation::Conditionally)
        );
        match properties.iter_mut().find(|property| property.name == name) {
            Some(known) => known.replaces |= replaces,
            None => properties.push(Property { name: printable(name), replaces }),
        }
    }
    let kept = matches!(change.policy_action(), Some(PolicyAction::Retain | PolicyAction::ReplaceAndRetain));
    Reviewed {
        resource: printable(change.logical_resource_id().unwrap_or_default()),
        kind: printable(change.resource_type().unwrap_or_default()),
        action,
        properties,
        kept,
    }
}

/// The changes as a table.
pub(crate) fn text(changes: &[Reviewed]) -> String {
    let width = |of: fn(&Reviewed) -> &str| changes.iter().map(|change| of(change).len()).max().unwrap_or_default();
    let (resources, kinds) = (width(|change| &change.resource), width(|change| &change.kind));
    let mut text = String::new();
    for change in changes {
        let Reviewed { resource, kind, action, properties, kept } = change;
        let sign = match action.as_str() {
            "add" | "import" => '+',
            "remove" => '-',
            "modify" => '~',
            _ => '!',
        };
        let (cause, changed): (Vec<_>, Vec<_>) = properties.iter().partition(|property| property.replaces);
        let names = |properties: Vec<&Property>| {
            properties.iter().map(|property| property.name.clone()).collect::<Vec<_>>().join(", ")
        };
        let mut words = Vec::new();
        match action.as_str() {
            "replace" => words.push(format!("replaced because of {}", names(cause))),
            "may-replace" => words.push(format!("may be replaced because of {}", names(cause))),
            _ => {}
        }
        words.extend((!changed.is_empty()).then(|| names(changed)));
        words.extend(kept.then(|| "the old one stays in the account".to_owned()));
        let line = format!("  {sign} {resource:<resources$}  {kind:<kinds$}  {}", words.join("; "));
        text += line.trim_end();
        text += "\n";
    }
    let count = |actions: &[&str]| changes.iter().filter(|change| actions.contains(&change.action.as_str())).count();
    let (added, removed) = (count(&["add", "import"]), count(&["remove"]));
    let (changed, replaced) = (count(&["modify"]), count(&["replace", "may-replace"]));
    text + &format!("  {added} to add, {changed} to change, {replaced} to replace, {removed} to remove\n")
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ResourceAttribute, ResourceChangeDetail, ResourceTargetDefinition};

    use super::*;

    fn detail(name: &str, recreation: RequiresRecreation) -> ResourceChangeDetail {
        let target = ResourceTargetDefinition::builder().attribute(ResourceAttribute::Properties).name(name);
        ResourceChangeDetail::builder().target(target.requires_recreation(recreation).build()).build()
    }

    #[test]
    fn what_is_lost_stands_first_and_what_replaces_is_named() {
        let change = |id: &str, kind: &str, action| {
            ResourceChange::builder().logical_resource_id(id).resource_type(kind).action(action)
        };
        let changes = [
            change("News", "AWS::SNS::Topic", ChangeAction::Add).build(),
            change("Verify", "AWS::Lambda::Function", ChangeAction::Modify)
                .replacement(Replacement::False)
                .details(detail("Code", RequiresRecreation::Never))
                .build(),
            change("Errors", "AWS::SQS::Queue", ChangeAction::Modify)
                .replacement(Replacement::True)
                .policy_action(PolicyAction::ReplaceAndRetain)
                .details(detail("QueueName", RequiresRecreation::Always))
                .details(detail("VisibilityTimeout", RequiresRecreation::Never))
                .build(),
            change("Old", "AWS::SNS::Topic", ChangeAction::Remove).policy_action(PolicyAction::Delete).build(),
        ];
        let wanted = "  - Old     AWS::SNS::Topic\n  \
                      ! Errors  AWS::SQS::Queue        replaced because of QueueName; VisibilityTimeout; the old one stays in the account\n  \
                      ~ Verify  AWS::Lambda::Function  Code\n  \
                      + News    AWS::SNS::Topic\n  \
                      1 to add, 1 to change, 1 to replace, 1 to remove\n";
        assert_eq!(text(&reviewed(&changes)), wanted);
    }
}
