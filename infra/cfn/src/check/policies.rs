//! Policies as rules ask about them: where they stand, whom they let do what.

use serde_json::Value as Json;

use super::{
    facts::{Facts, Field, Thing},
    names::items,
    text::{Piece, Text, function_name},
};
use crate::Path;

/// A policy document of a template.
pub(super) struct Policy<'a> {
    /// The resource that has it.
    pub(super) owner: Thing<'a>,
    /// The way to the document.
    pub(super) path: Path,
    pub(super) document: &'a Json,
    pub(super) purpose: Purpose,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What a role, user or group may do.
    Identity,
    /// Who may become a role.
    Trust,
    /// Who may do what with a resource.
    Resource,
    /// Who may do what with a key: there `*` is the key itself.
    Key,
}

/// Where policies stand: type, property, purpose.
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

/// Every policy of a template that stands there as JSON.
pub(super) fn all<'a>(facts: &Facts<'a>) -> Vec<Policy<'a>> {
    facts.things().flat_map(|thing| of(thing).0).collect()
}

/// The policies that a resource has itself, and whether these are all of them.
fn of(owner: Thing<'_>) -> (Vec<Policy<'_>>, bool) {
    let (mut policies, mut complete) = (Vec::new(), true);
    let kind = owner.resource.kind.as_str();
    for (_, property, purpose) in PLACES.iter().filter(|(known, ..)| *known == kind) {
        match object(owner.field(property)) {
            Some(document) => policies.push(Policy { owner, path: owner.at(property), document, purpose: *purpose }),
            None => complete &= owner.lacks(property),
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

/// The object that stands at a place, unless a function gives it.
fn object<'a>(field: Field<'a>) -> Option<&'a Json> {
    field.value().filter(|value| value.is_object() && function_name(value).is_none())
}

/// The items of a list that are known, each with the way to it, and whether these are all of them. A function in the place
/// of the list, or of an item, is one item: whoever looks at it sees that it is not known.
pub(super) fn known_items<'a>(field: Field<'a>, path: &Path) -> (Vec<(Path, &'a Json)>, bool) {
    let value = match field {
        Field::Absent => return (Vec::new(), true),
        Field::Unknown => return (Vec::new(), false),
        Field::Is(value) => value,
    };
    let mut all = items(value, path);
    let before = all.len();
    all.retain(|(_, item)| !matches!(Field::of(item), Field::Unknown));
    let complete = all.len() == before;
    all.retain(|(_, item)| !matches!(Field::of(item), Field::Absent));
    (all, complete)
}

/// A statement of a policy.
pub(super) struct Statement<'a> {
    pub(super) path: Path,
    pub(super) json: &'a Json,
}

impl<'a> Policy<'a> {
    /// The statements that are known to be there.
    pub(super) fn statements(&self) -> Vec<Statement<'a>> {
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

/// Whether something holds; nothing where that is not certain.
pub(super) type Certain = Option<bool>;

/// Whether all of these hold.
pub(super) fn every(parts: impl IntoIterator<Item = Certain>) -> Certain {
    let mut all = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// Whether one of these holds.
pub(super) fn any(parts: impl IntoIterator<Item = Certain>) -> Certain {
    every(parts.into_iter().map(|part| part.map(|holds| !holds))).map(|none| !none)
}

/// Statements that count for something, as far as they are known.
#[derive(Default)]
pub(super) struct Statements<'a> {
    pub(super) known: Vec<Statement<'a>>,
    /// Whether there is something else that may say more.
    more: bool,
}

impl<'a> Statements<'a> {
    /// Those of a resource's own policies for a purpose.
    pub(super) fn of(owner: Thing<'a>, purpose: Purpose) -> Self {
        let (policies, complete) = of(owner);
        let mut statements = Self { known: Vec::new(), more: !complete };
        for policy in policies.iter().filter(|policy| policy.purpose == purpose) {
            let (known, complete) = policy.known_statements();
            statements.known.extend(known);
            statements.more |= !complete;
        }
        statements
    }

    /// Those of the policies (of a type) that are attached to a resource by a list of references.
    pub(super) fn attached(facts: &Facts<'a>, to: Thing<'a>, kind: &str, property: &str) -> Self {
        let mut statements = Self::default();
        for policy in facts.all(kind) {
            let (named, complete) = known_items(policy.field(property), &policy.at(property));
            let named: Vec<Certain> = named.iter().map(|(_, named)| is_it(facts, named, to)).collect();
            match any(named.into_iter().chain([if complete { Some(false) } else { None }])) {
                Some(true) => statements.add(Self::of(policy, purpose_of(kind))),
                Some(false) => {}
                None => statements.more = true,
            }
        }
        statements
    }

    pub(super) fn add(&mut self, other: Self) {
        self.known.extend(other.known);
        self.more |= other.more;
    }

    /// Whether one of them holds.
    pub(super) fn any(&self, holds: impl Fn(&Statement<'a>) -> Certain) -> Certain {
        any(self.known.iter().map(holds).chain([if self.more { None } else { Some(false) }]))
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.more
    }
}

fn purpose_of(kind: &str) -> Purpose {
    let place = PLACES.iter().find(|(known, ..)| *known == kind);
    place.map_or(Purpose::Identity, |(.., purpose)| *purpose)
}

/// Whether a reference stands for a resource of the template.
fn is_it(facts: &Facts<'_>, reference: &Json, thing: Thing<'_>) -> Certain {
    match facts.target(reference, &thing.resource.kind) {
        Some(named) => Some(named.id == thing.id),
        // A name as text is known where the resource's own is.
        None => Some(Text::of(reference).literal()? == thing.name()?),
    }
}

impl<'a> Statement<'a> {
    pub(super) fn field(&self, name: &str) -> Field<'a> {
        Field::of(self.json).member(name)
    }

    /// Whether it certainly allows.
    pub(super) fn allows(&self) -> bool {
        self.effect() == Some(true)
    }

    /// Whether it allows, or denies.
    pub(super) fn effect(&self) -> Certain {
        match self.field("Effect").value()?.as_str()? {
            "Allow" => Some(true),
            _ => Some(false),
        }
    }

    pub(super) fn is_conditional(&self) -> bool {
        !matches!(self.field("Condition"), Field::Absent)
    }

    /// The actions that stand there as text, each with the way to it.
    pub(super) fn actions(&self) -> Vec<(Path, String)> {
        let (known, _) = known_items(self.field("Action"), &self.path.key("Action"));
        known.into_iter().filter_map(|(path, action)| Some((path, Text::of(action).literal()?.to_owned()))).collect()
    }

    /// Whether it is about an action.
    pub(super) fn is_about_action(&self, action: &str) -> Certain {
        if matches!(self.field("Action"), Field::Absent) {
            return None;
        }
        let (known, complete) = known_items(self.field("Action"), &self.path);
        let each = known.iter().map(|(_, pattern)| Some(covers(Text::of(pattern).literal()?, action)));
        any(each.chain([if complete { Some(false) } else { None }]))
    }

    /// The resources that are known, each with the way to it.
    pub(super) fn resources(&self) -> Vec<(Path, &'a Json)> {
        known_items(self.field("Resource"), &self.path.key("Resource")).0
    }

    /// Whether it is about a resource of the template.
    pub(super) fn is_about(&self, facts: &Facts<'_>, target: Thing<'_>) -> Certain {
        if matches!(self.field("Resource"), Field::Absent) {
            return None;
        }
        let (known, complete) = known_items(self.field("Resource"), &self.path);
        let each = known.iter().map(|(_, resource)| match is_about(facts, resource, target) {
            About::It => Some(true),
            About::Other => Some(false),
            About::Unknown => None,
        });
        any(each.chain([if complete { Some(false) } else { None }]))
    }

    /// Whether it is certainly about everyone: the principal `*`.
    pub(super) fn is_for_everyone(&self) -> bool {
        let Field::Is(principal) = self.field("Principal") else { return false };
        let aws = if principal.is_object() { principal.get("AWS") } else { Some(principal) };
        aws.is_some_and(|aws| items(aws, &self.path).iter().any(|(_, one)| one.as_str() == Some("*")))
    }

    /// Whether it is about this service, such as `sns.amazonaws.com`.
    pub(super) fn is_for_service(&self, service: &str) -> Certain {
        if self.is_for_everyone() {
            return Some(true);
        }
        let principal = object(self.field("Principal"))?;
        let (named, complete) = known_items(Field::of(principal).member("Service"), &self.path);
        let each = named.iter().map(|(_, one)| {
            let text = Text::of(one);
            let shown = text.shown();
            // In whatever partition: amazonaws.com, amazonaws.com.cn.
            let same =
                shown == service || shown.strip_suffix("${AWS::URLSuffix}") == service.strip_suffix("amazonaws.com");
            if same { Some(true) } else { facts_free(&text).then_some(false) }
        });
        any(each.chain([if complete { Some(false) } else { None }]))
    }
}

/// Whether a text holds nothing but literals and pseudo parameters.
fn facts_free(text: &Text) -> bool {
    text.pieces().iter().all(|piece| match piece {
        Piece::Literal(_) => true,
        Piece::Ref(name) => name.starts_with("AWS::"),
        Piece::Attribute(..) | Piece::Unknown => false,
    })
}

/// Whether an action's pattern, such as `sqs:Send*`, covers an action. Actions do not tell capitals from small letters.
pub(super) fn covers(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whether a pattern with `*` for anything and `?` for one character covers a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last `*` stands, and up to where it has been taken to reach.
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(seen) {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, seen));
                at += 1;
            }
            (Some(wanted), _) if wanted == letter || *wanted == '?' => {
                at += 1;
                seen += 1;
            }
            (_, Some((its, reach))) => {
                star = Some((its, reach + 1));
                at = its + 1;
                seen = reach + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

/// Managed policies of AWS that give a function its log, its network and its traces, and nothing else.
const SMALL_MANAGED: [&str; 3] =
    ["AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"];

/// Whether a role may do something with a resource of the template.
pub(super) fn role_may(facts: &Facts<'_>, role: Thing<'_>, action: &str, target: Thing<'_>) -> Certain {
    let mut statements = Statements::of(role, Purpose::Identity);
    for (kind, property) in
        [("AWS::IAM::Policy", "Roles"), ("AWS::IAM::ManagedPolicy", "Roles"), ("AWS::IAM::RolePolicy", "RoleName")]
    {
        statements.add(Statements::attached(facts, role, kind, property));
    }
    for managed in facts.all("AWS::IAM::ManagedPolicy").filter(|managed| names_managed(facts, role, *managed)) {
        statements.add(Statements::of(managed, Purpose::Identity));
    }
    statements.more |= !managed_are_small(facts, role);
    statements.any(|statement| {
        every([statement.effect(), statement.is_about_action(action), statement.is_about(facts, target)])
    })
}

/// Whether a role names a managed policy of the template.
fn names_managed(facts: &Facts<'_>, role: Thing<'_>, managed: Thing<'_>) -> bool {
    let named =
        role.list("ManagedPolicyArns").into_iter().filter_map(|arn| facts.target(arn, "AWS::IAM::ManagedPolicy"));
    named.into_iter().any(|named| named.id == managed.id)
}

/// Whether all that is known of a role's managed policies allows nothing of interest, or is read elsewhere.
fn managed_are_small(facts: &Facts<'_>, role: Thing<'_>) -> bool {
    let (arns, complete) = known_items(role.field("ManagedPolicyArns"), &role.path());
    let small = |arn: &Json| {
        let shown = Text::of(arn).shown();
        SMALL_MANAGED.iter().any(|small| shown.ends_with(small))
            || facts.target(arn, "AWS::IAM::ManagedPolicy").is_some()
    };
    complete && arns.iter().all(|(_, arn)| small(arn))
}

/// What a statement's resource has to do with a resource of the template.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Other,
    Unknown,
    It,
}

pub(super) fn is_about(facts: &Facts<'_>, resource: &Json, target: Thing<'_>) -> About {
    let text = Text::of(resource);
    if text.literal() == Some("*") {
        return About::It;
    }
    let refers = |piece: &Piece| matches!(piece, Piece::Ref(id) | Piece::Attribute(id, _) if id == target.id.as_str());
    if text.pieces().iter().any(refers) {
        return About::It;
    }
    if let Some(Piece::Ref(id) | Piece::Attribute(id, _)) = text.only() {
        return if facts.thing(id).is_some() { About::Other } else { About::Unknown };
    }
    // An ARN as text: the name tells, where both names are known and there is no pattern in it.
    match (text.arn(), target.name()) {
        (Some([_, _, _, _, _, rest]), Some(name)) => match rest.literal() {
            Some(rest) if rest.contains(['*', '?']) => {
                if covers(rest, name) {
                    About::It
                } else {
                    About::Other
                }
            }
            Some(rest) if rest == name => About::It,
            Some(_) => About::Other,
            None => About::Unknown,
        },
        _ => About::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_reaches_as_far_as_it_must_and_never_takes_long() {
        for (pattern, text, fits) in [
            ("sqs:*", "sqs:SendMessage", true),
            ("sqs:Send*", "sqs:SendMessage", true),
            ("sqs:*Message", "sqs:SendMessage", true),
            ("sqs:?end*", "sqs:SendMessage", true),
            ("sqs:Send", "sqs:SendMessage", false),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcb", false),
            ("", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(50), &"a".repeat(40)));
    }
}
