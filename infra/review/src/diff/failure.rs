//! Whether the deployment will fail.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use super::{
    Action, Change, Consequence, Fact, Guard, Risk, compared::Compared, consequence::Nature, normalize::is_true,
    words::subject,
};
use crate::check::{self, Severity};
use cfn::{LogicalId, Path, Resource, view::name_property};

/// What makes CloudFormation refuse the change or turn back, one line for each.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    if compared.changes.is_empty() && compared.sections.is_empty() {
        return Vec::new();
    }
    let questions = [types, names, rules, exports, protected, not_empty, still_used, fixed, indexes];
    let mut facts: Vec<Fact> = questions.iter().flat_map(|question| question(compared)).collect();
    for fact in &mut facts {
        fact.guards.push(Guard::WillFail);
    }
    facts
}

fn fails(id: &'static str, subjects: &[&LogicalId], sentence: String) -> Fact {
    Fact::new(id, Risk::Failure, subjects, sentence)
}

/// A resource's type stays as long as its logical id.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html>: "Update of resource type
/// is not permitted"
fn types(compared: &Compared<'_>) -> Vec<Fact> {
    let there = compared.changes.iter().filter(|change| change.action != Action::Removed);
    let facts = there.filter_map(|change| {
        let was = &compared.old.template.resources.get(&change.id)?.kind;
        let sentence = format!(
            "CloudFormation refuses another type under one logical id: {} was {was} and is {}; give it another id",
            change.id, change.kind
        );
        (*was != change.kind).then(|| fails("type-changed", &[&change.id], sentence))
    });
    facts.collect()
}

/// The new one is made before the old one is deleted, so that a name that stays is taken.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>
fn names(compared: &Compared<'_>) -> Vec<Fact> {
    let facts = compared.changes.iter().filter_map(|change| {
        let pair = compared.pair(change.id.as_str()).filter(|_| change.consequence.is_replacement())?;
        let nature = Nature::of(&change.kind);
        // A rename is no replacement: the old one is deleted at the end, whatever the type.
        let deleted_first = nature.lifecycle.is_some_and(|lifecycle| lifecycle.deleted_before_replaced);
        let renamed = matches!(change.action, Action::Renamed { .. });
        if deleted_first && !renamed {
            return None;
        }
        let property = custom_name(&nature, pair.new)?;
        let (old, new) = (pair.old.properties.get(property)?, pair.new.properties.get(property)?);
        let moves = change
            .properties
            .iter()
            .any(|other| other.path == Path::resource(change.id.as_str()).key("Properties").key(property));
        // A name that is taken from a resource which is replaced is another one afterwards.
        let follows = change.follows.iter().any(|id| new.to_string().contains(id.as_str()));
        if moves || follows || old != new && !renamed {
            return None;
        }
        let shown = compared.show(&Path::resource(change.id.as_str()).key("Properties").key(property), new);
        let name = if new.is_string() { shown.to_string() } else { format!("in {property}") };
        let sentence = format!(
            "{} cannot be made anew under the name {name}, which the old one has until the end; change {property} too",
            subject(&change.kind, &[&change.id])
        );
        Some(fails("name-taken", &[&change.id], sentence))
    });
    facts.collect()
}

/// The property by which people name a resource in its account and region, where the template gives one.
fn custom_name<'a>(nature: &Nature<'a>, resource: &'a Resource) -> Option<&'static str> {
    let lifecycle = nature.lifecycle?;
    let identifier = {
        let mut all = lifecycle.primary_identifier.iter();
        all.next().filter(|_| all.next().is_none())
    };
    let fixed = |name: &&str| lifecycle.create_only.contains(name) && !lifecycle.read_only.contains(name);
    let short = resource.kind.rsplit("::").next().unwrap_or_default();
    let by_type = lifecycle.create_only.iter().find(|name| *name == "Name" || name.strip_suffix("Name") == Some(short));
    let candidates = [name_property(&resource.kind), identifier, by_type];
    candidates.into_iter().flatten().filter(fixed).find(|name| resource.properties.contains_key(*name))
}

/// Errors that the rules of `check` find in the new template and not in the old one.
fn rules(compared: &Compared<'_>) -> Vec<Fact> {
    let errors = compared.checked.findings.iter().filter(|found| found.rule.severity == Severity::Error);
    let errors: Vec<&check::Finding> = errors.collect();
    if errors.is_empty() {
        return Vec::new();
    }
    // The old template is asked about the rules that the new one breaks, and about all where they depend on each other.
    let broken: HashSet<&str> = errors.iter().map(|found| found.rule.id).collect();
    let all = errors.iter().any(|found| found.rule.may_echo());
    let known = check::by_rules(compared.old.given, |rule| all || broken.contains(rule.id)).findings;
    let known: HashSet<_> = known.iter().map(|found| (found.rule.id, &found.path, &found.message)).collect();
    let fresh = errors.into_iter().filter(|found| !known.contains(&(found.rule.id, &found.path, &found.message)));
    let mut by_rule: BTreeMap<(&str, &str), Vec<&check::Finding>> = BTreeMap::new();
    for found in fresh {
        by_rule.entry((found.rule.id, &found.message)).or_default().push(found);
    }
    let facts = by_rule.into_iter().map(|((id, message), found)| {
        let ids: Vec<LogicalId> =
            found.iter().filter_map(|found| LogicalId::parse(found.path.resource_id()?).ok()).collect();
        let place = found.first().map(|found| found.path.to_string()).unwrap_or_default();
        let more = match found.len() {
            1 => String::new(),
            several => format!(" and {} more", several - 1),
        };
        let ids: Vec<&LogicalId> = ids.iter().collect();
        let mut fact = fails("rule-broken", &ids, format!("{place}{more}: {message} ({id})"));
        fact.details =
            found.iter().map(|found| super::Detail::text(format!("{}: {}", found.path, found.rule.mend))).collect();
        fact
    });
    facts.collect()
}

/// An export stays as long as another stack imports it.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html>
fn exports(compared: &Compared<'_>) -> Vec<Fact> {
    let replaced: HashSet<&str> = compared
        .changes
        .iter()
        .filter(|change| change.consequence.is_loss())
        .map(|change| match &change.action {
            Action::Renamed { from } => from.as_str(),
            _ => change.id.as_str(),
        })
        .collect();
    let mut facts = Vec::new();
    for (output, old) in &compared.old.template.outputs {
        let Some(name) = old.rest.get("Export").and_then(|export| export.get("Name")) else { continue };
        let exported =
            |output: &cfn::Output| output.rest.get("Export").and_then(|export| export.get("Name")) == Some(name);
        let new = compared.new.template.outputs.values().find(|output| exported(output));
        let path = Path::default().key("Outputs").key(output).key("Export").key("Name");
        let shown = compared.show(&path, name);
        let refers = |value: &Json| super::references::names_in(value).iter().any(|name| replaced.contains(name));
        let sentence = match new {
            None => format!("the export {shown} (output {output}) goes: this fails while another stack imports it"),
            Some(new) if new.value != old.value || refers(&old.value) => {
                format!("the export {shown} (output {output}) changes: this fails while another stack imports it")
            }
            Some(_) => continue,
        };
        facts.push(fails("export-in-use", &[], sentence));
    }
    facts
}

/// Resources that are protected against what is asked for.
const PROTECTIONS: [(&str, &str); 9] = [
    ("AWS::Cognito::UserPool", "DeletionProtection"),
    ("AWS::DSQL::Cluster", "DeletionProtectionEnabled"),
    ("AWS::DocDB::DBCluster", "DeletionProtection"),
    ("AWS::DynamoDB::Table", "DeletionProtectionEnabled"),
    ("AWS::Logs::LogGroup", "DeletionProtectionEnabled"),
    ("AWS::Neptune::DBCluster", "DeletionProtection"),
    ("AWS::QLDB::Ledger", "DeletionProtection"),
    ("AWS::RDS::DBCluster", "DeletionProtection"),
    ("AWS::RDS::DBInstance", "DeletionProtection"),
];

fn protected(compared: &Compared<'_>) -> Vec<Fact> {
    let deleted = deleted(compared);
    let facts = deleted.filter_map(|(change, old)| {
        let (_, property) = PROTECTIONS.iter().find(|(kind, _)| *kind == change.kind)?;
        let value = old.properties.get(*property)?;
        let on = is_true(value) || value == "ACTIVE";
        let sentence = format!(
            "{} cannot be deleted: {property} is on; turn it off in a deployment of its own first",
            subject(&change.kind, &[&change.id])
        );
        on.then(|| fails("deletion-protected", &[&change.id], sentence))
    });
    facts.collect()
}

/// Resources that AWS deletes only when they are empty, with what must be gone, and the property that empties them.
///
/// Source: the page of each type; <https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html>
const EMPTY: [(&str, &str, &str); 6] = [
    ("AWS::Backup::BackupVault", "recovery points", ""),
    ("AWS::ECR::Repository", "images", "EmptyOnDelete"),
    ("AWS::EC2::VPC", "network interfaces that are not the stack's", ""),
    ("AWS::Route53::HostedZone", "records that are not the stack's", ""),
    ("AWS::S3::Bucket", "objects", ""),
    ("AWS::S3Tables::TableBucket", "tables", ""),
];

fn not_empty(compared: &Compared<'_>) -> Vec<Fact> {
    let facts = deleted(compared).filter_map(|(change, old)| {
        let (_, what, property) = EMPTY.iter().find(|(kind, ..)| *kind == change.kind)?;
        let emptied = old.properties.get(*property).is_some_and(is_true);
        let sentence =
            format!("{} can only be deleted when there are no {what} in it", subject(&change.kind, &[&change.id]));
        (!emptied).then(|| fails("not-empty", &[&change.id], sentence))
    });
    facts.collect()
}

/// Changes by which a thing is deleted, with what it was.
fn deleted<'c>(compared: &'c Compared<'_>) -> impl Iterator<Item = (&'c Change, &'c Resource)> {
    let deleted = |change: &&Change| matches!(change.consequence, Consequence::Deletion | Consequence::Replacement);
    compared.changes.iter().filter(deleted).filter_map(|change| {
        let id = match &change.action {
            Action::Renamed { from } => from,
            _ => &change.id,
        };
        Some((change, compared.old.template.resources.get(id)?))
    })
}

/// What stays outside of the stack may use what is deleted.
fn still_used(compared: &Compared<'_>) -> Vec<Fact> {
    let gone: HashSet<&LogicalId> = compared
        .changes
        .iter()
        .filter(|change| change.consequence == Consequence::Deletion)
        .map(|change| &change.id)
        .collect();
    let stays = compared.changes.iter().filter(|change| change.consequence == Consequence::Retained);
    let mut facts = Vec::new();
    for change in stays {
        let Some(old) = compared.old.template.resources.get(&change.id) else { continue };
        let used: HashSet<&str> = old.properties.values().flat_map(super::references::names_in).collect();
        let mut used: Vec<&&LogicalId> = gone.iter().filter(|id| used.contains(id.as_str())).collect();
        used.sort();
        for id in used {
            let kind = compared.old.template.resources.get(*id).map(|old| old.kind.as_str()).unwrap_or_default();
            let sentence = format!("{} may not be deletable: {} stays and uses it", subject(kind, &[id]), change.id);
            facts.push(fails("still-used", &[id, &change.id], sentence));
        }
    }
    facts
}

/// Properties that cannot change at all.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html>
fn fixed(compared: &Compared<'_>) -> Vec<Fact> {
    let facts = compared.changes.iter().filter(|change| change.action == Action::Changed).filter_map(|change| {
        let custom = change.kind.starts_with("Custom::") || change.kind == "AWS::CloudFormation::CustomResource";
        let token = Path::resource(change.id.as_str()).key("Properties").key("ServiceToken");
        let changes = change.properties.iter().any(|property| property.path == token);
        let sentence = format!(
            "{} cannot change its ServiceToken; give it another logical id",
            subject(&change.kind, &[&change.id])
        );
        (custom && changes).then(|| fails("fixed-property", &[&change.id], sentence))
    });
    facts.collect()
}

/// DynamoDB makes or deletes one index at a time.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html>
fn indexes(compared: &Compared<'_>) -> Vec<Fact> {
    let tables = compared.pairs().filter(|pair| pair.new.kind == "AWS::DynamoDB::Table");
    let facts = tables.filter_map(|pair| {
        let names = |resource: &Resource| -> HashSet<String> {
            let indexes = resource.properties.get("GlobalSecondaryIndexes").and_then(Json::as_array);
            indexes.into_iter().flatten().filter_map(|index| index.get("IndexName")).map(Json::to_string).collect()
        };
        let (old, new) = (names(pair.old), names(pair.new));
        let replaced = compared.change(pair.new_id.as_str()).is_some_and(|change| change.consequence.is_replacement());
        let number = old.symmetric_difference(&new).count();
        let sentence = format!(
            "{} cannot add or remove {number} global secondary indexes in one update; deploy them one by one",
            subject(&pair.new.kind, &[pair.new_id])
        );
        (number > 1 && !replaced).then(|| fails("one-index-at-a-time", &[pair.new_id], sentence))
    });
    facts.collect()
}
