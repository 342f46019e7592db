//! One fact, one line: what is the same about several resources is said once.

use indexmap::IndexMap;

use super::{Detail, Fact, Guard, Risk, Undo};
use crate::LogicalId;

/// How many names stand in a sentence before the rest is counted.
const MOST_NAMES: usize = 3;

/// Facts about resources, those that are alike together.
#[derive(Default)]
pub(super) struct Folded<'a> {
    groups: IndexMap<Said, Vec<&'a LogicalId>>,
}

/// What is said about a resource.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Said {
    pub(super) id: &'static str,
    pub(super) risk: Risk,
    /// What follows the names, with what is before it: `: kept for 7 days`, ` is gone`.
    pub(super) one: String,
    /// The same for several.
    pub(super) several: String,
    /// The resources' type.
    pub(super) kind: String,
    pub(super) guards: Vec<Guard>,
    /// Why it matters, to be unfolded.
    pub(super) why: &'static str,
    /// Why the old template does not bring everything back.
    pub(super) lost: Option<&'static str>,
}

impl Said {
    /// The same words for one and for several.
    pub(super) fn new(id: &'static str, risk: Risk, kind: &str, words: impl Into<String>) -> Self {
        let words = words.into();
        let kind = kind.to_owned();
        Self { id, risk, one: words.clone(), several: words, kind, guards: Vec::new(), why: "", lost: None }
    }
}

impl<'a> Folded<'a> {
    pub(super) fn say(&mut self, id: &'a LogicalId, said: Said) {
        self.groups.entry(said).or_default().push(id);
    }

    pub(super) fn facts(self) -> Vec<Fact> {
        let each = self.groups.into_iter().map(|(said, ids)| {
            let words = if ids.len() == 1 { &said.one } else { &said.several };
            let sentence = format!("{}{words}", names(&ids, &said.kind));
            let undo = said.lost.map_or(Undo::Yes, |why| Undo::Partly(why.to_owned()));
            let mut details: Vec<Detail> = (!said.why.is_empty()).then(|| Detail::text(said.why)).into_iter().collect();
            if ids.len() > MOST_NAMES + 1 {
                let all: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
                details.push(Detail::text(format!("all of them: {}", all.join(", "))));
            }
            Fact { details, undo, guards: said.guards, ..Fact::new(said.id, said.risk, &ids, sentence) }
        });
        each.collect()
    }
}

/// Names with commas and an `and`; what is too much is counted.
pub(super) fn names(ids: &[&LogicalId], kind: &str) -> String {
    let rest = format!("{} more {}", ids.len().saturating_sub(MOST_NAMES), plural(kind));
    let mut shown: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    if shown.len() > MOST_NAMES + 1 {
        shown.truncate(MOST_NAMES);
        shown.push(&rest);
    }
    match shown.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// Several of a type in words.
pub(super) fn plural(kind: &str) -> &'static str {
    match kind {
        "AWS::Lambda::Function" => "functions",
        "AWS::Lambda::EventSourceMapping" => "event sources",
        "AWS::SQS::Queue" => "queues",
        "AWS::SNS::Topic" => "topics",
        "AWS::SNS::Subscription" => "subscriptions",
        "AWS::Logs::LogGroup" => "log groups",
        "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm" => "alarms",
        "AWS::CloudWatch::Dashboard" => "dashboards",
        "AWS::SecretsManager::Secret" => "secrets",
        "AWS::KMS::Key" => "keys",
        "AWS::DynamoDB::Table" => "tables",
        "AWS::S3::Bucket" => "buckets",
        "AWS::IAM::Role" => "roles",
        "AWS::EC2::NatGateway" => "NAT gateways",
        "AWS::RDS::DBInstance" => "databases",
        _ => "resources",
    }
}
