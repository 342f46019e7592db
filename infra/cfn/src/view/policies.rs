//! The one list of every place where a policy can be, and what the policies allow.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::{
    Field, ResourceView, TemplateView,
    items::{known_items, object},
    statements::{Certain, Statement, any, every},
    text::Text,
};
use crate::Path;

/// A policy document of a template.
pub struct Policy<'a> {
    /// The resource that has it.
    pub owner: ResourceView<'a>,
    /// The path to the document.
    pub path: Path,
    /// The document, as the template has it.
    pub document: &'a Json,
    /// The kind of the policy.
    pub purpose: Purpose,
}

/// Purpose of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Permissions of a role, user or group.
    Identity,
    /// Principals that can assume a role.
    Trust,
    /// Who may do what with a resource.
    Resource,
    /// Who may do what with a key: there `*` is the key itself.
    Key,
}

/// The places of policies: type, property, purpose.
const PLACES: [(&str, &str, Purpose); 12] = [
    ("AWS::IAM::Role", "AssumeRolePolicyDocument", Purpose::Trust),
    ("AWS::IAM::Policy", "PolicyDocument", Purpose::Identity),
    ("AWS::IAM::ManagedPolicy", "PolicyDocument", Purpose::Identity),
    ("AWS::IAM::RolePolicy", "PolicyDocument", Purpose::Identity),
    ("AWS::IAM::UserPolicy", "PolicyDocument", Purpose::Identity),
    ("AWS::IAM::GroupPolicy", "PolicyDocument", Purpose::Identity),
    ("AWS::SQS::QueuePolicy", "PolicyDocument", Purpose::Resource),
    ("AWS::SNS::TopicPolicy", "PolicyDocument", Purpose::Resource),
    ("AWS::S3::BucketPolicy", "PolicyDocument", Purpose::Resource),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy", Purpose::Resource),
    ("AWS::KMS::Key", "KeyPolicy", Purpose::Key),
    ("AWS::KMS::ReplicaKey", "KeyPolicy", Purpose::Key),
];

/// Types whose `Policies` hold documents with names.
const INLINE: [&str; 3] = ["AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"];

/// Every policy that a template has as JSON.
pub fn all<'a>(facts: &TemplateView<'a>) -> Vec<Policy<'a>> {
    facts.resources().flat_map(|thing| of(thing).0).collect()
}

/// A statement with whom its policy belongs to.
pub struct OwnedStatement<'a> {
    /// The resource that has the policy.
    pub owner: ResourceView<'a>,
    /// The kind of its policy.
    pub purpose: Purpose,
    /// The statement.
    pub statement: Statement<'a>,
}

/// Every statement of every policy that a template has as JSON.
pub fn statements<'a>(facts: &TemplateView<'a>) -> Vec<OwnedStatement<'a>> {
    let of = |policy: Policy<'a>| {
        let Policy { owner, purpose, .. } = policy;
        policy.statements().into_iter().map(move |statement| OwnedStatement { owner, purpose, statement })
    };
    all(facts).into_iter().flat_map(of).collect()
}

/// The policies that a resource has itself, and whether these are all of them.
fn of(owner: ResourceView<'_>) -> (Vec<Policy<'_>>, bool) {
    let (mut policies, mut complete) = (Vec::new(), true);
    let kind = owner.resource.kind.as_str();
    for (_, property, purpose) in PLACES.iter().filter(|(known, ..)| *known == kind) {
        match object(owner.field(property)) {
            Some(document) => policies.push(Policy { owner, path: owner.at(property), document, purpose: *purpose }),
            None => complete &= owner.is_absent(property),
        }
    }
    if INLINE.contains(&kind) {
        let (items, known) = known_items(owner.field("Policies"), &owner.at("Policies"));
        complete &= known;
        for (path, item) in items {
            match object(Field::of(item).member("PolicyDocument")) {
                Some(document) => {
                    let path = path.key("PolicyDocument");
                    policies.push(Policy { owner, path, document, purpose: Purpose::Identity });
                }
                None => complete = false,
            }
        }
    }
    (policies, complete)
}

impl<'a> Policy<'a> {
    /// The statements that are known to be there.
    pub fn statements(&self) -> Vec<Statement<'a>> {
        self.known_statements().0
    }

    fn known_statements(&self) -> (Vec<Statement<'a>>, bool) {
        let (items, mut complete) =
            known_items(Field::of(self.document).member("Statement"), &self.path.key("Statement"));
        let mut statements = Vec::new();
        for (path, json) in items {
            match object(Field::Is(json)) {
                Some(json) => statements.push(Statement { path, json }),
                None => complete = false,
            }
        }
        (statements, complete)
    }
}

/// Statements that count for something, as far as they are known.
#[derive(Default)]
pub struct Statements<'a> {
    /// The statements that are known.
    pub known: Vec<Statement<'a>>,
    /// True if unknown statements can be among them.
    more: bool,
}

impl<'a> Statements<'a> {
    /// Those of a resource's own policies for a purpose.
    pub fn of(owner: ResourceView<'a>, purpose: Purpose) -> Self {
        let (policies, complete) = of(owner);
        let mut statements = Self { known: Vec::new(), more: !complete };
        for policy in policies.iter().filter(|policy| policy.purpose == purpose) {
            let (known, complete) = policy.known_statements();
            statements.known.extend(known);
            statements.more |= !complete;
        }
        statements
    }

    /// Adds other statements.
    pub fn add(&mut self, other: Self) {
        self.known.extend(other.known);
        self.more |= other.more;
    }

    /// Returns true if one of them holds.
    pub fn any(&self, holds: impl Fn(&Statement<'a>) -> Certain) -> Certain {
        any(self.known.iter().map(holds).chain([if self.more { None } else { Some(false) }]))
    }

    /// Returns true if no unknown statement can be among them.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.more
    }
}

/// The policies of a type, by what they are attached to with a list of references. Made once for all resources that are
/// asked about, so that a template of twice the size takes twice the time.
pub struct Attachments<'a> {
    kind: &'static str,
    property: &'static str,
    /// By the resource that is named, with their places in the template; those that name anything in another way than by
    /// `Ref` are under no name, and may be attached to any.
    policies: HashMap<Option<&'a str>, Vec<(usize, ResourceView<'a>)>>,
    may_grow: bool,
}

impl<'a> Attachments<'a> {
    /// The policies of this type, which name what they are attached to, of type `to`, in this property.
    pub fn of(facts: &TemplateView<'a>, kind: &'static str, property: &'static str, to: &str) -> Self {
        let mut policies: HashMap<_, Vec<_>> = HashMap::new();
        for (place, policy) in facts.all(kind).enumerate() {
            let (named, complete) = known_items(policy.field(property), &policy.at(property));
            let names: Option<BTreeSet<&str>> = named.iter().map(|(_, named)| reference(facts, named, to)).collect();
            match names.filter(|_| complete) {
                Some(names) => {
                    names.into_iter().for_each(|name| policies.entry(Some(name)).or_default().push((place, policy)));
                }
                None => policies.entry(None).or_default().push((place, policy)),
            }
        }
        Self { kind, property, policies, may_grow: facts.may_grow() }
    }

    /// The statements about a resource, in the template's order.
    pub fn to(&self, facts: &TemplateView<'a>, to: ResourceView<'a>) -> Statements<'a> {
        let candidates = [Some(to.id.as_str()), None].into_iter().filter_map(|name| self.policies.get(&name)).flatten();
        let mut candidates: Vec<_> = candidates.copied().collect();
        candidates.sort_by_key(|(place, _)| *place);
        let mut statements = Statements { known: Vec::new(), more: self.may_grow };
        for (_, policy) in candidates {
            let (named, complete) = known_items(policy.field(self.property), &policy.at(self.property));
            let named = named.iter().map(|(_, named)| is_it(facts, named, to));
            match any(named.chain([if complete { Some(false) } else { None }])) {
                Some(true) => statements.add(Statements::of(policy, purpose_of(self.kind))),
                Some(false) => {}
                None => statements.more = true,
            }
        }
        statements
    }
}

/// The resource of this type that a value is the `Ref` of.
fn reference<'a>(facts: &TemplateView<'_>, value: &'a Json, kind: &str) -> Option<&'a str> {
    let id = value.as_object().filter(|members| members.len() == 1)?.get("Ref")?.as_str()?;
    facts.resource(id).filter(|thing| thing.is(kind)).map(|_| id)
}

fn purpose_of(kind: &str) -> Purpose {
    let place = PLACES.iter().find(|(known, ..)| *known == kind);
    place.map_or(Purpose::Identity, |(.., purpose)| *purpose)
}

/// Returns true if a reference is one to this resource.
fn is_it(facts: &TemplateView<'_>, reference: &Json, thing: ResourceView<'_>) -> Certain {
    match facts.target(reference, &thing.resource.kind) {
        Some(named) => Some(named.id == thing.id),
        // A name as text is known where the resource's own is.
        None => Some(Text::of(reference).literal()? == thing.name()?),
    }
}

/// Managed policies of AWS that give a function its log, its network and its traces, and nothing else.
pub const SMALL_MANAGED: [&str; 3] =
    ["AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"];

/// Returns true if a role is allowed an action on a resource of the template.
pub fn role_may<'a>(
    facts: &TemplateView<'a>,
    role: ResourceView<'a>,
    action: &str,
    target: ResourceView<'_>,
) -> Certain {
    let mut statements = Statements::of(role, Purpose::Identity);
    for (kind, property) in
        [("AWS::IAM::Policy", "Roles"), ("AWS::IAM::ManagedPolicy", "Roles"), ("AWS::IAM::RolePolicy", "RoleName")]
    {
        statements.add(Attachments::of(facts, kind, property, &role.resource.kind).to(facts, role));
    }
    for managed in facts.all("AWS::IAM::ManagedPolicy").filter(|managed| names_managed(facts, role, *managed)) {
        statements.add(Statements::of(managed, Purpose::Identity));
    }
    statements.more |= !managed_are_small(facts, role);
    statements.any(|statement| {
        every([statement.effect(), statement.is_about_action(action), statement.is_about(facts, target)])
    })
}

/// Returns true if a role names a managed policy of the template.
fn names_managed(facts: &TemplateView<'_>, role: ResourceView<'_>, managed: ResourceView<'_>) -> bool {
    let named =
        role.list("ManagedPolicyArns").into_iter().filter_map(|arn| facts.target(arn, "AWS::IAM::ManagedPolicy"));
    named.into_iter().any(|named| named.id == managed.id)
}

/// Returns true if a role has no managed policies but small ones and those of the template.
fn managed_are_small(facts: &TemplateView<'_>, role: ResourceView<'_>) -> bool {
    let (arns, complete) = known_items(role.field("ManagedPolicyArns"), &role.path());
    let small = |arn: &Json| {
        let shown = Text::of(arn).shown();
        SMALL_MANAGED.iter().any(|small| shown.ends_with(small))
            || facts.target(arn, "AWS::IAM::ManagedPolicy").is_some()
    };
    complete && arns.iter().all(|(_, arn)| small(arn))
}
