//! What values of policies stand for, so that one thing has one pattern however it is referred to.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::pattern::{Pattern, Sign};
use crate::diff::{Known, compared::Compared, side::Side};
use cfn::{
    Path,
    view::{
        ResourceView, TemplateView,
        text::{Piece, Text},
    },
};

/// What references of a type give: its ARN by these attributes (`Ref` where one is empty), with `%P`, `%R`, `%A` and `%N`
/// for partition, region, account and name.
///
/// Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
const ARNS: [(&str, &[&str], &str); 15] = [
    ("AWS::SQS::Queue", &["Arn"], "arn:%P:sqs:%R:%A:%N"),
    ("AWS::SNS::Topic", &["", "TopicArn"], "arn:%P:sns:%R:%A:%N"),
    ("AWS::Lambda::Function", &["Arn"], "arn:%P:lambda:%R:%A:function:%N"),
    ("AWS::Logs::LogGroup", &["Arn"], "arn:%P:logs:%R:%A:log-group:%N:*"),
    ("AWS::IAM::Role", &["Arn"], "arn:%P:iam::%A:role/%N"),
    ("AWS::IAM::User", &["Arn"], "arn:%P:iam::%A:user/%N"),
    ("AWS::IAM::ManagedPolicy", &["", "PolicyArn"], "arn:%P:iam::%A:policy/%N"),
    ("AWS::DynamoDB::Table", &["Arn"], "arn:%P:dynamodb:%R:%A:table/%N"),
    ("AWS::S3::Bucket", &["Arn"], "arn:%P:s3:::%N"),
    ("AWS::KMS::Key", &["Arn"], "arn:%P:kms:%R:%A:key/%N"),
    ("AWS::Kinesis::Stream", &["Arn"], "arn:%P:kinesis:%R:%A:stream/%N"),
    ("AWS::StepFunctions::StateMachine", &["", "Arn"], "arn:%P:states:%R:%A:stateMachine:%N"),
    ("AWS::Events::EventBus", &["Arn"], "arn:%P:events:%R:%A:event-bus/%N"),
    ("AWS::Events::Rule", &["Arn"], "arn:%P:events:%R:%A:rule/%N"),
    ("AWS::SecretsManager::Secret", &["", "Id"], "arn:%P:secretsmanager:%R:%A:secret:%N-%S"),
];

/// References that give a name.
const NAMED: [(&str, &[&str]); 9] = [
    ("AWS::SQS::Queue", &["QueueName"]),
    ("AWS::SNS::Topic", &["TopicName"]),
    ("AWS::Lambda::Function", &[""]),
    ("AWS::Logs::LogGroup", &[""]),
    ("AWS::IAM::Role", &[""]),
    ("AWS::IAM::User", &[""]),
    ("AWS::DynamoDB::Table", &[""]),
    ("AWS::S3::Bucket", &[""]),
    ("AWS::KMS::Key", &["", "KeyId"]),
];

/// The values of one of the two templates as patterns.
pub(super) struct Names<'a> {
    pub(super) facts: TemplateView<'a>,
    known: &'a Known,
    /// The new ids of resources that had another one.
    renamed: HashMap<&'a str, &'a str>,
    /// And back.
    given: HashMap<&'a str, &'a str>,
    /// Custom names that are the same in both templates, or there in one of them only, by the new id. Others stand for
    /// themselves: whoever refers to a thing follows its new name.
    stable: HashMap<&'a str, &'a str>,
    /// Resources by the ARN that they have.
    by_arn: HashMap<Pattern, &'a str>,
    /// Actions as people write them, by their small letters.
    actions: HashMap<String, &'a str>,
}

impl<'a> Names<'a> {
    /// The names of the old and of the new template.
    pub(super) fn of(compared: &'a Compared<'a>) -> (Self, Self) {
        let renamed = compared.pairs().filter(|pair| pair.old_id != pair.new_id);
        let renamed = renamed.map(|pair| (pair.old_id.as_str(), pair.new_id.as_str())).collect();
        let stable = stable(compared);
        let old = Self::of_side(&compared.old, renamed, stable.clone());
        (old, Self::of_side(&compared.new, HashMap::new(), stable))
    }

    fn of_side(side: &'a Side<'a>, renamed: HashMap<&'a str, &'a str>, stable: HashMap<&'a str, &'a str>) -> Self {
        let given = renamed.iter().map(|(old, new)| (*new, *old)).collect();
        let (facts, known) = (side.facts(), side.known);
        let mut names = Self { facts, known, renamed, given, stable, by_arn: HashMap::new(), actions: HashMap::new() };
        let properties = side.given.resources.values().flat_map(|resource| resource.properties.values());
        properties.for_each(|value| actions(value, &mut names.actions));
        let arns = names.facts.resources().filter_map(|thing| {
            let (_, attributes, _) = ARNS.iter().find(|(kind, ..)| thing.is(kind))?;
            let arn = names.reference(thing.id.as_str(), attributes.first()?)?;
            Some((Pattern(arn).tidied(), names.new_id(thing.id.as_str())))
        });
        names.by_arn = arns.collect();
        names
    }

    /// The id of the new template of a resource of this one.
    pub(super) fn new_id(&self, id: &'a str) -> &'a str {
        self.renamed.get(id).copied().unwrap_or(id)
    }

    /// The resource of a new id.
    pub(super) fn thing(&self, new_id: &str) -> Option<ResourceView<'a>> {
        let given = self.given.get(new_id).copied().unwrap_or(new_id);
        self.facts.resource(given)
    }

    /// A value as a pattern; `*` and `?` in its texts are wild where the place says so.
    pub(super) fn pattern(&self, value: &Json, wild: Wild) -> Pattern {
        let text = Text::of(value);
        if !text.is_determined() {
            return Pattern(vec![Sign::Symbol(value.to_string().into())]);
        }
        let mut signs = Vec::new();
        for piece in text.pieces() {
            match piece {
                Piece::Literal(text) => signs.extend(match wild {
                    Wild::No => Pattern::text(text).0,
                    Wild::Yes => Pattern::glob(text).0,
                    Wild::InParts => in_parts(text, &signs),
                }),
                Piece::Ref(name) => signs.extend(self.referred(name, "")),
                Piece::Attribute(id, attribute) => signs.extend(self.referred(id, attribute)),
                Piece::Unknown => {}
            }
        }
        Pattern(signs).tidied()
    }

    fn referred(&self, name: &str, attribute: &str) -> Vec<Sign> {
        if attribute.is_empty() && self.facts.resource(name).is_none() {
            return self.parameter(name);
        }
        self.reference(name, attribute)
            .unwrap_or_else(|| vec![Sign::Symbol(format!("{}.{attribute}", self.shown_id(name)).into())])
    }

    fn parameter(&self, name: &str) -> Vec<Sign> {
        match self.known.parameters.get(name) {
            Some(value) => Pattern::text(value).0,
            None => vec![Sign::Symbol(name.into())],
        }
    }

    /// What a reference to a resource gives, for the types that are known here.
    fn reference(&self, id: &str, attribute: &str) -> Option<Vec<Sign>> {
        let kind = self.facts.resource(id)?.resource.kind.as_str();
        if NAMED.iter().any(|(known, attributes)| *known == kind && attributes.contains(&attribute)) {
            return Some(self.name(id));
        }
        let (_, _, arn) =
            ARNS.iter().find(|(known, attributes, _)| *known == kind && attributes.contains(&attribute))?;
        let mut signs = Vec::new();
        let mut letters = arn.chars();
        while let Some(letter) = letters.next() {
            match (letter, if letter == '%' { letters.next() } else { None }) {
                ('%', Some('P')) => signs.extend(self.parameter("AWS::Partition")),
                ('%', Some('R')) => signs.extend(self.parameter("AWS::Region")),
                ('%', Some('A')) => signs.extend(self.parameter("AWS::AccountId")),
                ('%', Some('N')) => signs.extend(self.name(id)),
                // Secrets Manager adds six characters of its own.
                ('%', Some('S')) => {
                    signs.push(Sign::Symbol(format!("{}, the end of its ARN", self.shown_id(id)).into()))
                }
                ('*', None) => signs.push(Sign::Many),
                (other, _) => signs.push(Sign::Char(other)),
            }
        }
        Some(signs)
    }

    fn name(&self, id: &str) -> Vec<Sign> {
        let id = self.renamed.get(id).copied().unwrap_or(id);
        match self.stable.get(id) {
            Some(name) => Pattern::text(name).0,
            None => vec![Sign::Symbol(id.into())],
        }
    }

    /// The ARN of a resource, or a symbol for it.
    pub(super) fn arn(&self, thing: ResourceView<'_>) -> Pattern {
        let attribute = ARNS.iter().find(|(kind, ..)| thing.is(kind)).and_then(|(_, attributes, _)| attributes.first());
        Pattern(self.referred(thing.id.as_str(), attribute.copied().unwrap_or("Arn"))).tidied()
    }

    /// The resource that has an ARN, by its new id.
    pub(super) fn resource(&self, arn: &Pattern) -> Option<&'a str> {
        self.by_arn.get(arn).copied()
    }

    /// The resource that a pattern is about, also where it is about a part of it (`Bucket/*`), by its new id.
    pub(super) fn resource_in(&self, value: &Json) -> Option<&'a str> {
        let text = Text::of(value);
        let named = text.pieces().iter().find_map(|piece| match piece {
            Piece::Ref(id) | Piece::Attribute(id, _) => self.facts.resource(id),
            Piece::Literal(_) | Piece::Unknown => None,
        });
        match named {
            Some(thing) => Some(self.new_id(thing.id.as_str())),
            None => self.resource(&self.pattern(value, Wild::Yes)),
        }
    }

    /// A value for people: logical ids for what is in the template, and nothing of a secret.
    pub(super) fn shown(&self, compared: &Compared<'_>, path: &Path, value: &Json) -> String {
        if let Some(id) = self.resource(&self.pattern(value, Wild::Yes)) {
            return id.to_owned();
        }
        let shown = compared.show(path, value);
        if shown.hides() {
            return shown.to_string();
        }
        let text = Text::of(value);
        if !text.is_determined() {
            return "what only a deployment knows".to_owned();
        }
        let rest = text.arn().and_then(|[.., rest]| {
            let refers = |piece: &Piece| matches!(piece, Piece::Ref(id) | Piece::Attribute(id, _) if self.facts.resource(id).is_some());
            rest.pieces().iter().any(refers).then_some(rest)
        });
        let pieces = rest.as_ref().unwrap_or(&text).pieces().iter().map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Ref(id) | Piece::Attribute(id, _) if self.facts.resource(id).is_some() => self.shown_id(id),
            Piece::Ref(name) => format!("${{{name}}}"),
            Piece::Attribute(id, name) => format!("${{{id}.{name}}}"),
            Piece::Unknown => "${?}".to_owned(),
        });
        pieces.collect()
    }

    /// The new id of a resource.
    pub(super) fn shown_id(&self, id: &str) -> String {
        self.renamed.get(id).copied().unwrap_or(id).to_owned()
    }

    /// An action with its capital letters, which the normal form does not keep.
    pub(super) fn action(&self, action: &str) -> String {
        self.actions.get(&action.to_ascii_lowercase()).copied().unwrap_or(action).to_owned()
    }

    /// The number of the account, where it is known.
    pub(super) fn account(&self) -> Vec<Sign> {
        self.parameter("AWS::AccountId")
    }
}

/// The actions that a value names, wherever they stand in it.
fn actions<'a>(value: &'a Json, found: &mut HashMap<String, &'a str>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| actions(item, found)),
        Json::Object(members) => {
            for (key, inner) in members {
                if key == "Action" || key == "NotAction" {
                    let texts = several(inner).into_iter().filter_map(Json::as_str);
                    found.extend(texts.map(|text| (text.to_ascii_lowercase(), text)));
                } else {
                    actions(inner, found);
                }
            }
        }
        _ => {}
    }
}

/// Custom names that are the same in both templates, or there in one of them only, by the new id.
fn stable<'a>(compared: &'a Compared<'a>) -> HashMap<&'a str, &'a str> {
    let mut stable = HashMap::new();
    let mut in_both: HashSet<&str> = HashSet::new();
    for thing in compared.new.facts().resources() {
        let before = compared.pair(thing.id.as_str());
        in_both.extend(before.map(|pair| pair.old_id.as_str()));
        let other = before.map(|pair| ResourceView { id: pair.old_id, resource: pair.old }.name());
        if let Some(name) = thing.name().filter(|name| other.is_none_or(|other| other == Some(name))) {
            stable.insert(thing.id.as_str(), name);
        }
    }
    for thing in compared.old.facts().resources().filter(|thing| !in_both.contains(thing.id.as_str())) {
        if let Some(name) = thing.name() {
            stable.entry(thing.id.as_str()).or_insert(name);
        }
    }
    stable
}

/// Where `*` and `?` stand for other characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wild {
    /// They stand for themselves.
    No,
    /// Across everything.
    Yes,
    /// Within a part of an ARN, and across everything in its last one.
    InParts,
}

/// A text of an ARN's pattern behind what is read of it already.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
fn in_parts(text: &str, before: &[Sign]) -> Vec<Sign> {
    let mut colons = before.iter().filter(|sign| **sign == Sign::Char(':')).count();
    let signs = text.chars().map(|letter| {
        colons += usize::from(letter == ':');
        match letter {
            '*' if colons < 5 => Sign::ManyInPart,
            '*' => Sign::Many,
            '?' => Sign::One,
            other => Sign::Char(other),
        }
    });
    signs.collect()
}

/// The items of a list, or the one value in its place.
pub(super) fn several(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}
