//! Protections that are weaker.
//!
//! What a protection is stands in tables: a switch that was on, a setting that was there, a number that was larger or
//! smaller. Alarms and deletion policies have rules of their own. What becomes stronger is no news here: the changes
//! themselves show it.

mod alarms;
mod tables;

use std::collections::HashMap;

use serde_json::Value as Json;

use self::tables::{LIMITS, Limit, NUMBERS, Number, SETTINGS, SWITCHES, Setting, Switch, Weaker};
use super::{
    Fact, Guard, Risk,
    compared::Compared,
    fold::{Folded, Said, changed_around, changed_at},
    side::Pair,
    words::amount,
};
use cfn::WAIVERS;
use cfn::{
    Path, Resource,
    view::{
        Field, ResourceView,
        text::{Piece, Text},
    },
};

/// Protections that are weaker.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let mut folded = Folded::default();
    for pair in compared.pairs().filter(|pair| pair.old.kind == pair.new.kind && pair.old != pair.new) {
        let both = Both::of(compared, pair);
        switches(&both, &mut folded);
        settings(&both, &mut folded);
        numbers(&both, &mut folded);
        limits(&both, &mut folded);
        partial_batches(&both, &mut folded);
        deletion(&both, &mut folded);
        waivers(&both, &mut folded);
    }
    let mut facts = alarms::find(compared);
    facts.extend(folded.facts());
    facts.extend(removed(compared));
    facts
}

/// A resource before and after.
struct Both<'a> {
    compared: &'a Compared<'a>,
    old: ResourceView<'a>,
    new: ResourceView<'a>,
}

impl<'a> Both<'a> {
    fn of(compared: &'a Compared<'a>, pair: Pair<'a>) -> Self {
        let old = ResourceView { id: pair.old_id, resource: pair.old };
        Self { compared, old, new: ResourceView { id: pair.new_id, resource: pair.new } }
    }

    fn said(&self, id: &'static str, words: impl Into<String>, why: &'static str) -> Said {
        let said = Said::new(id, Risk::Protection, &self.new.resource.kind, words);
        Said { guards: vec![Guard::WeakenProtection], why, ..said }
    }

    fn say(&self, folded: &mut Folded<'a>, place: &str, said: Said) {
        folded.say(self.new.id, changed_at(self.compared, self.new.id, place), said);
    }
}

/// Switches that were on and are off.
fn switches<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    for Switch { kind, place, on, default, id, words, why } in SWITCHES {
        if !both.new.is(kind) {
            continue;
        }
        let is_on = |thing: ResourceView<'_>| match thing.field(place) {
            Field::Absent => Some(*default),
            Field::Is(value) => Some(text(value)?.eq_ignore_ascii_case(on)),
            Field::Unknown => None,
        };
        if is_on(both.old) == Some(true) && is_on(both.new) == Some(false) {
            both.say(folded, place, both.said(id, format!(": {words}"), why));
        }
    }
}

/// Settings that were there and are not.
fn settings<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    for Setting { kind, place, id, words, why } in SETTINGS {
        if both.new.is(kind) && !is_none(both.old, place) && is_none(both.new, place) {
            both.say(folded, place, both.said(id, format!(": {words}"), why));
        }
    }
    // A key of one's own gives way to one of AWS: whoever may use the service may read.
    for (kind, place) in tables::KEYS {
        if !both.new.is(kind) || is_none(both.old, place) || is_none(both.new, place) {
            continue;
        }
        let of_aws = |thing: ResourceView<'_>| {
            let shown = thing.text(place).map(|text| text.shown()).unwrap_or_default();
            shown.starts_with("alias/aws/") || shown.contains(":alias/aws/")
        };
        if !of_aws(both.old) && of_aws(both.new) {
            let words = ": encrypted with AWS's key instead of one's own";
            both.say(folded, place, both.said("encryption-weaker", words, tables::OWN_KEY));
        }
    }
}

fn is_none(thing: ResourceView<'_>, place: &str) -> bool {
    match thing.field(place) {
        Field::Absent => true,
        Field::Is(value) => matches!(value, Json::Array(items) if items.is_empty()) || value.as_str() == Some(""),
        Field::Unknown => false,
    }
}

/// Numbers that moved to the weaker side.
fn numbers<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    for Number { kind, place, weaker, absent, id, words, unit, why, lost } in NUMBERS {
        if !both.new.is(kind) {
            continue;
        }
        let number = |thing: ResourceView<'_>| match thing.field(place) {
            Field::Absent => *absent,
            _ => thing.number(place),
        };
        let (Some(old), Some(new)) = (number(both.old), number(both.new)) else { continue };
        let is_weaker = match weaker {
            Weaker::Less => new < old,
            Weaker::More => new > old,
        };
        if is_weaker {
            let words = format!(": {words} {} instead of {}", amount(new, unit), amount(old, unit));
            let lost = lost.map(|what| format!("{what} older than {} are deleted", amount(new, unit)));
            both.say(folded, place, Said { lost, ..both.said(id, words, why) });
        }
    }
}

/// Limits that are higher, or gone: what they kept out comes in.
fn limits<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    for Limit { kind, place, id, words, unit } in LIMITS {
        if !both.new.is(kind) {
            continue;
        }
        let why = "one caller may use up more of what all share";
        match (both.old.number(place), both.new.number(place)) {
            (Some(old), Some(new)) if new > old => {
                let words = format!(": {words} {} instead of {}", amount(new, unit), amount(old, unit));
                both.say(folded, place, both.said(id, words, why));
            }
            (Some(old), None) if both.new.is_absent(place) => {
                let words = format!(": {words} no longer limited, before {}", amount(old, unit));
                both.say(folded, place, both.said(id, words, why));
            }
            _ => {}
        }
    }
}

/// A function that no longer says which messages of a batch failed.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
fn partial_batches<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    let reports = |thing: ResourceView<'_>| {
        let types = thing.list("FunctionResponseTypes");
        types.iter().any(|one| one.as_str() == Some("ReportBatchItemFailures"))
    };
    if both.new.is("AWS::Lambda::EventSourceMapping") && reports(both.old) && !reports(both.new) {
        let words = ": one failed message brings back its whole batch";
        let why = "the messages that went well are worked on again";
        both.say(folded, "FunctionResponseTypes", both.said("partial-batches-removed", words, why));
    }
}

/// What happens to the thing itself when it leaves the stack.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>
fn deletion<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    let kept = |policy: Option<&Json>, resource: &Resource| match policy.and_then(Json::as_str) {
        Some("Retain" | "RetainExceptOnCreate") => 2,
        Some("Snapshot") => 1,
        Some(_) => 0,
        None => u8::from(tables::SNAPSHOT_BY_DEFAULT.contains(&resource.kind.as_str())),
    };
    let (old, new) = (both.old.resource, both.new.resource);
    let words = |new: u8, when: &str| match new {
        0 => format!(": deleted when {when}, and kept before"),
        _ => format!(": only a snapshot is kept when {when}"),
    };
    let policies = [
        (&old.deletion_policy, &new.deletion_policy, "DeletionPolicy", "deletion-policy-weaker", "it leaves the stack"),
        (
            &old.update_replace_policy,
            &new.update_replace_policy,
            "UpdateReplacePolicy",
            "replace-policy-weaker",
            "it is replaced",
        ),
    ];
    for (before, after, attribute, id, when) in policies {
        let (before, after) = (kept(before.as_ref(), old), kept(after.as_ref(), new));
        if after < before {
            let path = Path::resource(both.new.id.as_str()).key(attribute);
            let said = both.said(id, words(after, when), "nothing happens now; the next change may delete it");
            folded.say(both.new.id, changed_around(both.compared, both.new.id, &path), said);
        }
    }
}

/// Findings that somebody decided to live with.
fn waivers<'a>(both: &Both<'a>, folded: &mut Folded<'a>) {
    let rules = |resource: &'a Resource| resource.metadata.get(WAIVERS).and_then(Json::as_object);
    let known = |rule: &String| rules(both.old.resource).is_some_and(|old| old.contains_key(rule));
    for (rule, _) in rules(both.new.resource).into_iter().flatten().filter(|(rule, _)| !known(rule)) {
        let said = both.said("waiver-added", format!(": the finding {rule} is waived"), "the reason stands beside it");
        let path = Path::resource(both.new.id.as_str()).key("Metadata");
        folded.say(both.new.id, changed_around(both.compared, both.new.id, &path), said);
    }
}

/// Resources that are a protection themselves, and are gone while what they protect is there.
fn removed(compared: &Compared<'_>) -> Vec<Fact> {
    let now: HashMap<&str, Pair<'_>> = compared.pairs().map(|pair| (pair.old_id.as_str(), pair)).collect();
    let mut folded = Folded::default();
    let gone = compared.old.template.resources.iter().filter(|(id, _)| !now.contains_key(id.as_str()));
    for (id, resource) in gone {
        let Some((_, place, words)) = tables::GUARDIANS.iter().find(|(kind, ..)| resource.kind == *kind) else {
            continue;
        };
        for value in (ResourceView { id, resource }).list(place) {
            let text = Text::of(value);
            let protected = text.pieces().iter().find_map(|piece| match piece {
                Piece::Ref(id) | Piece::Attribute(id, _) => now.get(id.as_str()),
                Piece::Literal(_) | Piece::Unknown => None,
            });
            if let Some(pair) = protected {
                let said = Said::new("protection-removed", Risk::Protection, &pair.new.kind, format!(": {words}"));
                let explains = vec![Path::resource(id.as_str())];
                folded.say(pair.new_id, explains, Said { guards: vec![Guard::WeakenProtection], ..said });
            }
        }
    }
    folded.facts()
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
