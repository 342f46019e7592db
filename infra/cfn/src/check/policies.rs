//! Policies as rules ask about them: where they stand, whom they let do what.

use serde_json::Value as Json;

use super::{
    facts::{Facts, Field, Thing},
    names::items,
    text::{Piece, Text},
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
    facts.things().flat_map(|thing| of(thing)).collect()
}

/// The policies that a resource has itself.
pub(super) fn of(owner: Thing<'_>) -> Vec<Policy<'_>> {
    let mut policies = Vec::new();
    let kind = owner.resource.kind.as_str();
    for (_, property, purpose) in PLACES.iter().filter(|(known, ..)| *known == kind) {
        if let Field::Is(document @ Json::Object(_)) = owner.field(property) {
            policies.push(Policy { owner, path: owner.at(property), document, purpose: *purpose });
        }
    }
    if INLINE.contains(&kind)
        && let Field::Is(list @ Json::Array(_)) = owner.field("Policies")
    {
        for (path, item) in items(list, &owner.at("Policies")) {
            if let Field::Is(document @ Json::Object(_)) = Field::of(item).member("PolicyDocument") {
                let path = path.key("PolicyDocument");
                policies.push(Policy { owner, path, document, purpose: Purpose::Identity });
            }
        }
    }
    policies
}

/// A statement of a policy.
pub(super) struct Statement<'a> {
    pub(super) path: Path,
    pub(super) json: &'a Json,
}

impl<'a> Policy<'a> {
    /// The statements that are known to be there.
    pub(super) fn statements(&self) -> Vec<Statement<'a>> {
        let Field::Is(statements) = Field::of(self.document).member("Statement") else { return Vec::new() };
        let known = items(statements, &self.path.key("Statement")).into_iter();
        let objects = known.filter(|(_, item)| matches!(Field::of(item), Field::Is(Json::Object(_))));
        objects
            .filter(|(_, item)| super::text::function_name(item).is_none())
            .map(|(path, json)| Statement { path, json })
            .collect()
    }
}

impl<'a> Statement<'a> {
    pub(super) fn field(&self, name: &str) -> Field<'a> {
        Field::of(self.json).member(name)
    }

    pub(super) fn allows(&self) -> bool {
        self.field("Effect").value().and_then(Json::as_str) == Some("Allow")
    }

    pub(super) fn is_conditional(&self) -> bool {
        !matches!(self.field("Condition"), Field::Absent)
    }

    /// The actions that stand there as text, each with the way to it.
    pub(super) fn actions(&self) -> Vec<(Path, String)> {
        let Field::Is(actions) = self.field("Action") else { return Vec::new() };
        let all = items(actions, &self.path.key("Action")).into_iter();
        all.filter_map(|(path, action)| Some((path, Text::of(action).literal()?.to_owned()))).collect()
    }

    /// The resources, each with the way to it.
    pub(super) fn resources(&self) -> Vec<(Path, &'a Json)> {
        let Field::Is(resources) = self.field("Resource") else { return Vec::new() };
        items(resources, &self.path.key("Resource"))
    }

    /// Whether it is about everyone: the principal `*`.
    pub(super) fn is_for_everyone(&self) -> bool {
        let Field::Is(principal) = self.field("Principal") else { return false };
        let aws = if principal.is_object() { principal.get("AWS") } else { Some(principal) };
        aws.is_some_and(|aws| items(aws, &self.path).iter().any(|(_, one)| one.as_str() == Some("*")))
    }

    /// Whether it is about this service, such as `sns.amazonaws.com`; not known where a name is not.
    pub(super) fn is_for_service(&self, service: &str) -> Option<bool> {
        let Field::Is(principal) = self.field("Principal") else { return None };
        if principal.as_str() == Some("*") {
            return Some(true);
        }
        let named = principal.get("Service").map(|services| items(services, &self.path)).unwrap_or_default();
        let texts: Vec<Text> = named.iter().map(|(_, one)| Text::of(one)).collect();
        if texts.iter().any(|text| text.literal() == Some(service) || text.shown() == service) {
            return Some(true);
        }
        let all_known = texts.iter().all(|text| {
            text.is_determined()
                && text.pieces().iter().all(|piece| match piece {
                    Piece::Literal(_) => true,
                    Piece::Ref(name) => name.starts_with("AWS::"),
                    Piece::Attribute(..) | Piece::Unknown => false,
                })
        });
        (all_known || self.is_for_everyone()).then(|| self.is_for_everyone())
    }
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

/// Whether a role may do something with a resource of the template; nothing where its policies are not all known.
pub(super) fn role_may(facts: &Facts<'_>, role: Thing<'_>, action: &str, target: Thing<'_>) -> Option<bool> {
    let mut documents = of(role);
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
        documents.extend(facts.all(kind).filter(|policy| attaches(facts, *policy, role)).flat_map(of));
    }
    let mut known = managed_are_small(facts, role);
    if matches!(role.field("Policies"), Field::Unknown) {
        known = false;
    }
    for policy in documents.iter().filter(|policy| policy.purpose == Purpose::Identity) {
        for statement in policy.statements().iter().filter(|statement| statement.allows()) {
            if statement.actions().iter().any(|(_, pattern)| covers(pattern, action))
                || statement.json.get("NotAction").is_some()
            {
                let resources = statement.resources();
                match resources.iter().map(|(_, resource)| is_about(facts, resource, target)).max() {
                    Some(About::It) => return Some(true),
                    Some(About::Other) => {}
                    Some(About::Unknown) | None => known = false,
                }
            }
        }
    }
    known.then_some(false)
}

fn attaches(facts: &Facts<'_>, policy: Thing<'_>, role: Thing<'_>) -> bool {
    let named = policy.list("Roles").into_iter().chain(policy.field("RoleName").value());
    named.into_iter().any(|named| {
        let found = facts.target(named, "AWS::IAM::Role");
        found.is_none_or(|found| found.id == role.id)
    })
}

fn managed_are_small(facts: &Facts<'_>, role: Thing<'_>) -> bool {
    match role.field("ManagedPolicyArns") {
        Field::Absent => true,
        Field::Is(Json::Array(arns)) => arns.iter().all(|arn| {
            let small = |name: &str| SMALL_MANAGED.iter().any(|small| name.ends_with(small));
            small(&Text::of(arn).shown())
                || facts.target(arn, "AWS::IAM::ManagedPolicy").is_some_and(|policy| attaches(facts, policy, role))
        }),
        Field::Is(_) | Field::Unknown => false,
    }
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
