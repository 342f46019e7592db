//! Every policy of a template, wherever it stands: whose it is, and what it says.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use super::{
    names::{Wild, several},
    statement::{Named, Owner, Part, Reader, Statement},
};
use cfn::{
    LogicalId, Path, Trail,
    view::{Field, ResourceView, text::function_name},
};

/// What a policy is about: policies about one thing say together who may do what.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) side: Side,
    /// The thing's new id, or its name where it is not in the template.
    pub(super) name: String,
}

/// On which side of a request a policy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    /// Who may become a role.
    Trust,
    /// What a role, user or group may do.
    Identity,
    /// Who may do what with a thing.
    Resource,
}

/// The statements about each thing, and the managed policies that it has.
#[derive(Default)]
pub(super) struct Policies {
    pub(super) statements: BTreeMap<Subject, Vec<Statement>>,
    /// By the role, user or group: patterns of managed policies that are not of the template, with their names.
    pub(super) managed: BTreeMap<String, Vec<Named>>,
    /// The places of the policies about each thing, and the resources that are such a policy as a whole.
    pub(super) places: BTreeMap<Subject, Vec<Path>>,
    /// Managed policies of the template that a role, user or group names: what they say is said of those.
    named: HashSet<LogicalId>,
}

const ROLE: &str = "AWS::IAM::Role";
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
/// Those who have policies.
const IDENTITIES: [&str; 3] = [ROLE, "AWS::IAM::User", "AWS::IAM::Group"];

/// Policies that are attached to roles, users and groups: the properties that name them.
const ATTACHED: [(&str, &[&str]); 5] = [
    ("AWS::IAM::Policy", &["Roles", "Users", "Groups"]),
    ("AWS::IAM::ManagedPolicy", &["Roles", "Users", "Groups"]),
    ("AWS::IAM::RolePolicy", &["RoleName"]),
    ("AWS::IAM::UserPolicy", &["UserName"]),
    ("AWS::IAM::GroupPolicy", &["GroupName"]),
];

/// Policies that stand apart from the thing that they are about: the property that names it.
const APART: [(&str, &str); 9] = [
    ("AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::SQS::QueueInlinePolicy", "Queue"),
    ("AWS::SNS::TopicPolicy", "Topics"),
    ("AWS::SNS::TopicInlinePolicy", "TopicArn"),
    ("AWS::S3::BucketPolicy", "Bucket"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId"),
    ("AWS::Events::EventBusPolicy", "EventBusName"),
    ("AWS::Kinesis::ResourcePolicy", "ResourceArn"),
    ("AWS::S3::AccessPoint", "Bucket"),
];

/// Whether resources of a type are policies and nothing else.
pub(super) fn is_policy(kind: &str) -> bool {
    let apart = APART.iter().any(|(known, _)| *known == kind);
    apart || kind.ends_with("Permission") || ATTACHED.iter().any(|(known, _)| *known == kind)
}

/// How deep properties are searched for policies.
const DEEPEST: usize = 5;

/// Every policy of the reader's template.
pub(super) fn all(reader: &Reader<'_, '_>) -> Policies {
    let identities = reader.names.facts.resources().filter(|thing| IDENTITIES.contains(&thing.resource.kind.as_str()));
    let named = identities.flat_map(|thing| thing.list("ManagedPolicyArns"));
    let named = named.filter_map(|arn| reader.names.facts.target(arn, MANAGED)).map(|thing| thing.id.clone());
    let mut policies = Policies { named: named.collect(), ..Policies::default() };
    for thing in reader.names.facts.resources() {
        match thing.resource.kind.as_str() {
            "AWS::Lambda::Permission" => policies.permission(reader, thing, "FunctionName"),
            "AWS::Lambda::LayerVersionPermission" => policies.permission(reader, thing, "LayerVersionArn"),
            "AWS::Events::EventBusPolicy" if thing.is_absent("Statement") => policies.bus_permission(reader, thing),
            _ => policies.documents(reader, thing),
        }
        if IDENTITIES.contains(&thing.resource.kind.as_str()) {
            policies.attached(reader, thing);
        }
    }
    policies
}

impl Policies {
    /// The statements about a thing.
    pub(super) fn about(&self, subject: &Subject) -> &[Statement] {
        self.statements.get(subject).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, side: Side, name: &str, place: &Path, statements: Vec<Statement>) {
        let subject = Subject { side, name: name.to_owned() };
        self.places.entry(subject.clone()).or_default().push(property_of(place));
        self.statements.entry(subject).or_default().extend(statements);
    }

    /// Whatever has the shape of a policy document among a resource's properties.
    fn documents(&mut self, reader: &Reader<'_, '_>, thing: ResourceView<'_>) {
        let (id, start) = (own_id(reader, thing), Trail::Start);
        let resources = start.key("Resources");
        let resource = resources.key(&id);
        let properties = resource.key("Properties");
        for (property, value) in &thing.resource.properties {
            let mut found = Vec::new();
            let parsed = as_json(property, value);
            documents_in(parsed.as_ref().unwrap_or(value), &properties.key(property), DEEPEST, &mut found);
            for (path, document) in found {
                self.document(reader, thing, property, document, &path);
            }
        }
    }

    fn document(
        &mut self,
        reader: &Reader<'_, '_>,
        thing: ResourceView<'_>,
        property: &str,
        document: &Json,
        path: &Path,
    ) {
        let kind = thing.resource.kind.as_str();
        let id = own_id(reader, thing);
        let itself = Named { pattern: reader.names.arn(thing), shown: id.clone(), resource: Some(id.clone()) };
        if property == "AssumeRolePolicyDocument" {
            let owner = Owner { who: Vec::new(), resource: Some(itself.clone()) };
            let mut statements = reader.document(document, path, &owner);
            // Who may become a role has no resource: it is the role.
            statements.iter_mut().for_each(|one| one.resources = Part::of(vec![itself.clone()]));
            return self.add(Side::Trust, &id, path, statements);
        }
        let identities = if IDENTITIES.contains(&kind) {
            vec![identity(reader, thing)]
        } else {
            let attached = ATTACHED.iter().find(|(known, _)| *known == kind);
            let places = attached.map(|(_, places)| *places).unwrap_or_default();
            let named = places.iter().flat_map(|place| thing.list(place));
            named.map(|value| named_identity(reader, value, path)).collect()
        };
        if !identities.is_empty() {
            for one in identities {
                let owner = Owner { who: vec![one.clone()], resource: None };
                let statements = reader.document(document, path, &owner);
                self.add(Side::Identity, one.resource.as_deref().unwrap_or(&one.shown), path, statements);
            }
            return;
        }
        if self.named.contains(thing.id) {
            return;
        }
        if !names_principals(document) {
            // A policy of whoever has it: a managed policy, a set of permissions.
            let owner = Owner { who: vec![itself], resource: None };
            let statements = reader.document(document, path, &owner);
            return self.add(Side::Identity, &id, path, statements);
        }
        let apart = APART.iter().find(|(known, _)| *known == kind);
        let targets = apart.map(|(_, place)| thing.list(place)).unwrap_or_default();
        if targets.is_empty() {
            let owner = Owner { who: Vec::new(), resource: Some(itself) };
            return self.add(Side::Resource, &id, path, reader.document(document, path, &owner));
        }
        for target in targets {
            let named = self.target(reader, target, path);
            let name = named.resource.clone().unwrap_or_else(|| named.shown.clone());
            let owner = Owner { who: Vec::new(), resource: Some(named) };
            self.add(Side::Resource, &name, path, reader.document(document, path, &owner));
        }
    }

    /// The thing that a policy is about, by whatever reference.
    fn target(&self, reader: &Reader<'_, '_>, value: &Json, path: &Path) -> Named {
        let id = reader.names.resource_in(value);
        let thing = id.and_then(|id| reader.names.thing(id));
        let pattern = thing.map_or_else(|| reader.names.pattern(value, Wild::No), |thing| reader.names.arn(thing));
        let shown = id.map_or_else(|| reader.names.shown(reader.compared, path, value), str::to_owned);
        Named { pattern, shown, resource: id.map(str::to_owned) }
    }

    /// A function's or layer's permission is a statement of its policy.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html>
    fn permission(&mut self, reader: &Reader<'_, '_>, thing: ResourceView<'_>, place: &str) {
        let path = Path::resource(&own_id(reader, thing)).key("Properties");
        let Some(function) = thing.field(place).value() else { return };
        let target = self.target(reader, function, &path);
        let who = thing.field("Principal").value().map(|value| {
            let is_service = value.as_str().is_some_and(|text| text.ends_with(".amazonaws.com"))
                || value.to_string().contains("AWS::URLSuffix");
            vec![reader.principal(if is_service { "Service" } else { "AWS" }, value, &path)]
        });
        let actions = thing.field("Action").value().map(|value| reader.actions(value, &path));
        let mut operators = serde_json::Map::new();
        let tests = [
            ("SourceArn", "ArnLike", "aws:SourceArn"),
            ("SourceAccount", "StringEquals", "aws:SourceAccount"),
            ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
            ("OrganizationId", "StringEquals", "aws:PrincipalOrgID"),
            ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
            ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ];
        for (property, operator, key) in tests {
            if let Some(value) = thing.field(property).value() {
                let of_operator = operators.entry(operator).or_insert_with(|| json!({}));
                of_operator.as_object_mut().and_then(|keys| keys.insert(key.to_owned(), value.clone()));
            }
        }
        let (when, conditions) = reader.conditions(Some(&Json::Object(operators)), &path);
        let name = target.resource.clone().unwrap_or_else(|| target.shown.clone());
        let statement = Statement {
            allows: true,
            who: Part::of(who.unwrap_or_default()),
            actions: Part::of(actions.unwrap_or_default()),
            resources: Part::of(vec![target]),
            when,
            conditions,
        };
        self.add(Side::Resource, &name, &path, vec![statement]);
    }

    /// The older way to let an account put events on a bus.
    fn bus_permission(&mut self, reader: &Reader<'_, '_>, thing: ResourceView<'_>) {
        let path = Path::resource(&own_id(reader, thing)).key("Properties");
        let default = json!("default");
        let target = self.target(reader, thing.field("EventBusName").value().unwrap_or(&default), &path);
        let mut statement = serde_json::Map::from_iter([("Effect".to_owned(), json!("Allow"))]);
        for name in ["Action", "Principal"] {
            statement.extend(thing.field(name).value().map(|value| (name.to_owned(), value.clone())));
        }
        let text = |place: &str| thing.literal(&format!("Condition.{place}"));
        if let (Some(operator), Some(key), Some(value)) =
            (text("Type"), text("Key"), thing.field("Condition.Value").value())
        {
            statement.insert("Condition".to_owned(), json!({operator: {key: value}}));
        }
        let name = target.resource.clone().unwrap_or_else(|| target.shown.clone());
        let owner = Owner { who: Vec::new(), resource: Some(target) };
        let statements = reader.document(&json!({"Statement": [statement]}), &path, &owner);
        self.add(Side::Resource, &name, &path, statements);
    }

    /// The managed policies that a role, user or group has; those of the template say the same as inline ones.
    fn attached(&mut self, reader: &Reader<'_, '_>, thing: ResourceView<'_>) {
        let path = thing.at("ManagedPolicyArns");
        for arn in thing.list("ManagedPolicyArns") {
            let managed = reader.names.facts.target(arn, MANAGED);
            let document = managed.and_then(|managed| managed.field("PolicyDocument").value());
            if let Some(document) = document {
                let who = identity(reader, thing);
                let statements = reader.document(document, &path, &Owner { who: vec![who], resource: None });
                self.add(Side::Identity, &own_id(reader, thing), &path, statements);
                continue;
            }
            let shown = reader.names.shown(reader.compared, &path, arn);
            let pattern = reader.names.pattern(arn, Wild::No);
            let named = Named { pattern, shown: shown.rsplit('/').next().unwrap_or(&shown).to_owned(), resource: None };
            self.managed.entry(own_id(reader, thing)).or_default().push(named);
        }
    }
}

/// The way to the property that a place lies in.
fn property_of(place: &Path) -> Path {
    place.keys().take(4).fold(Path::default(), |path, key| path.key(key))
}

/// The new id of a resource.
fn own_id(reader: &Reader<'_, '_>, thing: ResourceView<'_>) -> String {
    reader.names.shown_id(thing.id.as_str())
}

/// A role, user or group as a principal.
fn identity(reader: &Reader<'_, '_>, thing: ResourceView<'_>) -> Named {
    let id = own_id(reader, thing);
    Named { pattern: reader.names.arn(thing), shown: id.clone(), resource: Some(id) }
}

fn named_identity(reader: &Reader<'_, '_>, value: &Json, path: &Path) -> Named {
    let thing = IDENTITIES.iter().find_map(|kind| reader.names.facts.target(value, kind));
    match thing {
        Some(thing) => identity(reader, thing),
        None => Named {
            pattern: reader.names.pattern(value, Wild::No),
            shown: reader.names.shown(reader.compared, path, value),
            resource: None,
        },
    }
}

/// A policy that a property holds as text.
fn as_json(property: &str, value: &Json) -> Option<Json> {
    let text = value.as_str().filter(|text| property.contains("Polic") && text.trim_start().starts_with('{'))?;
    serde_json::from_str(text).ok()
}

fn documents_in<'j>(value: &'j Json, trail: &Trail<'_>, depth: usize, found: &mut Vec<(Path, &'j Json)>) {
    if depth == 0 || Field::of(value).value().is_none() {
        return;
    }
    match value {
        Json::Object(_) if is_document(value) => found.push((trail.path(), value)),
        Json::Object(members) if function_name(value).is_none() => {
            members.iter().for_each(|(key, inner)| documents_in(inner, &trail.key(key), depth - 1, found));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| documents_in(item, &trail.item(at), depth - 1, found));
        }
        _ => {}
    }
}

fn is_document(value: &Json) -> bool {
    let statements = value.get("Statement").map(several).unwrap_or_default();
    statements.iter().any(|one| one.get("Effect").is_some())
}

fn names_principals(document: &Json) -> bool {
    let statements = document.get("Statement").map(several).unwrap_or_default();
    statements.iter().any(|one| one.get("Principal").is_some() || one.get("NotPrincipal").is_some())
}
