//! What a change of a property does to its resource.

mod interruptions;
mod replacements;

use serde_json::Value as Json;

use super::{
    Consequence,
    normalize::{Piece, pieces},
};
use cfn::{
    Resource,
    schema::{self, Lifecycle, Paths},
    view::text::{function_name, is_dynamic},
};

/// What AWS says about a resource's type, to ask what its changes do.
pub(super) struct Nature<'a> {
    kind: &'a str,
    pub(super) lifecycle: Option<Lifecycle>,
}

impl<'a> Nature<'a> {
    pub(super) fn of(kind: &'a str) -> Self {
        Self { kind, lifecycle: schema::lifecycle(kind) }
    }

    /// Whether it holds data, or stands for something that others remember.
    pub(super) fn is_stateful(&self) -> bool {
        self.lifecycle.is_some_and(|lifecycle| lifecycle.stateful)
    }

    /// Whether the order of the list at this place means nothing. The place is written with `*` for an item.
    pub(super) fn is_unordered(&self, place: &[&str]) -> bool {
        let same = |path: &str| {
            let mut parts = path.split('.');
            place.iter().all(|step| parts.next().is_some_and(|part| part == *step || part == "*"))
                && parts.next().is_none()
        };
        self.lifecycle.is_some_and(|lifecycle| lifecycle.unordered.iter().any(same))
    }

    /// What becomes of the resource when a property changes: at this place, with `*` for an item of a list, from one value
    /// to the other.
    pub(super) fn of_change(&self, place: &[&str], old: Option<&Json>, new: Option<&Json>) -> Consequence {
        let Some(lifecycle) = &self.lifecycle else {
            return match self.kind {
                // Its function decides, by the physical id that it answers.
                kind if kind.starts_with("Custom::") => Consequence::ReplacementInSomeCases,
                _ => Consequence::Unknown,
            };
        };
        let fixed = match replacements::replaces(self.kind, place) {
            true => Reach::Certain,
            false => reach(lifecycle.create_only, place, old, new),
        };
        if fixed == Reach::Certain && differ(old, new) {
            return Consequence::Replacement;
        }
        let in_some_cases = fixed != Reach::Not
            || reach(lifecycle.conditional_create_only, place, old, new) != Reach::Not
            || lifecycle.without_update
            || self.kind == "AWS::CloudFormation::CustomResource";
        if in_some_cases {
            return Consequence::ReplacementInSomeCases;
        }
        if interruptions::interrupts(self.kind, place) {
            return Consequence::Interruption;
        }
        // What happens inside of a nested stack stands in its own template.
        if self.kind == "AWS::CloudFormation::Stack" && place.first() != Some(&"Tags") {
            return Consequence::Unknown;
        }
        Consequence::InPlace
    }
}

impl Nature<'_> {
    /// What becomes of the resource when something else is referred to at this place.
    pub(super) fn of_following(&self, place: &[&str]) -> Consequence {
        self.of_change(place, Some(&Json::from("old")), Some(&Json::from("new")))
    }
}

/// Whether a change reaches properties of a kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Not,
    /// It depends on what a function gives.
    Perhaps,
    Certain,
}

fn reach(paths: Paths, place: &[&str], old: Option<&Json>, new: Option<&Json>) -> Reach {
    let each = paths.iter().map(|path| {
        let steps: Vec<&str> = path.split('.').collect();
        reach_of(&steps, place, old, new)
    });
    each.max().unwrap_or(Reach::Not)
}

/// The schemas write `*` for an item or leave it out.
fn reach_of(steps: &[&str], place: &[&str], old: Option<&Json>, new: Option<&Json>) -> Reach {
    match (steps, place) {
        ([], _) => Reach::Certain,
        (_, []) => {
            let is_function = |value: Option<&Json>| value.is_some_and(|value| function_name(value).is_some());
            let (was, is) = (old.map(|old| inside(steps, old)), new.map(|new| inside(steps, new)));
            match () {
                () if is_function(old) || is_function(new) => Reach::Perhaps,
                () if was.unwrap_or_default() == is.unwrap_or_default() => Reach::Not,
                () => Reach::Certain,
            }
        }
        ([step, steps @ ..], [at, below @ ..]) if step == at || *step == "*" => reach_of(steps, below, old, new),
        (_, ["*", below @ ..]) => reach_of(steps, below, old, new),
        _ => Reach::Not,
    }
}

/// The values that a path leads to.
fn inside<'a>(steps: &[&str], value: &'a Json) -> Vec<&'a Json> {
    match (steps, value) {
        ([], _) => vec![value],
        (["*", rest @ ..], Json::Array(items)) => items.iter().flat_map(|item| inside(rest, item)).collect(),
        (["*", rest @ ..], Json::Object(members)) => members.values().flat_map(|member| inside(rest, member)).collect(),
        (_, Json::Array(items)) => items.iter().flat_map(|item| inside(steps, item)).collect(),
        ([step, rest @ ..], Json::Object(members)) => {
            members.get(*step).map(|member| inside(rest, member)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Whether two values, not written alike, are certainly not the same.
fn differ(old: Option<&Json>, new: Option<&Json>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return true };
    // What is only known when it is deployed, in the order in which it stands.
    fn unknown(value: &Json, all: &mut Vec<Piece>) {
        match pieces(value) {
            Some(pieces) => all.extend(pieces.into_iter().filter(|piece| match piece {
                Piece::Text(text) => is_dynamic(text),
                Piece::Ref(_) | Piece::Attribute(..) | Piece::Other(_) => true,
            })),
            None => match value {
                Json::Array(items) => items.iter().for_each(|item| unknown(item, all)),
                Json::Object(members) => members.values().for_each(|member| unknown(member, all)),
                _ => {}
            },
        }
    }
    let (mut was, mut is) = (Vec::new(), Vec::new());
    unknown(old, &mut was);
    unknown(new, &mut is);
    // Another resource is another thing, whatever its name comes to; a parameter's value may be what stood there.
    let resources = |pieces: &[Piece]| pieces.iter().all(|piece| matches!(piece, Piece::Attribute(..)));
    was == is || !was.is_empty() && !is.is_empty() && resources(&was) && resources(&is)
}

/// What becomes of a resource that leaves the stack, by the policy that it has there.
pub(super) fn of_removal(old: &Resource) -> Consequence {
    match old.deletion_policy.as_ref().and_then(Json::as_str) {
        Some("Retain" | "RetainExceptOnCreate") => Consequence::Retained,
        _ => Consequence::Deletion,
    }
}

/// What becomes of a resource whose properties change like this, by the policy that it is given with them.
pub(super) fn of_update(causes: Consequence, new: &Resource) -> Consequence {
    match (causes, new.update_replace_policy.as_ref().and_then(Json::as_str)) {
        (Consequence::Replacement, Some("Retain")) => Consequence::ReplacementRetained,
        _ => causes,
    }
}

/// What becomes of a resource that gets another logical id: it is made anew, and the old one leaves the stack.
pub(super) fn of_rename(old: &Resource) -> Consequence {
    match of_removal(old) {
        Consequence::Retained => Consequence::ReplacementRetained,
        _ => Consequence::Replacement,
    }
}
