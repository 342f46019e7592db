//! What guards say: what is stopped and how it is allowed, what somebody allowed, and what nothing stops.

use cfn::guard::Guard;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    NAMED,
    escape::{inline, lines},
};
use crate::render::{Review, text::shortened, told::word};

/// So many of each are told; the others are counted.
const MOST: usize = 5;

/// Everything that guards say of the reviews, as lines of Markdown with an empty one behind them.
pub(super) fn verdict(reviews: &[Review<'_>]) -> Vec<String> {
    let mut out = unguarded(reviews);
    let blocked = blocked(reviews);
    let allowed = allowed(reviews);
    if !out.is_empty() && !blocked.is_empty() {
        out.push(String::new());
    }
    out.extend(blocked);
    if !allowed.is_empty() && out.last().is_some_and(|line| line.starts_with('>')) {
        out.push(String::new());
    }
    out.extend(allowed);
    out.push(String::new());
    out
}

/// What nothing stops, and how it would be: in one line for each environment.
fn unguarded(reviews: &[Review<'_>]) -> Vec<String> {
    let mut out = Vec::new();
    for review in reviews {
        let guards = trips(review);
        if guards.is_empty() {
            continue;
        }
        if !review.is_environment {
            let said = "nothing is stopped: two files have no environment whose `guards.deny` would";
            out.extend(lines(&format!("- **Guards:** {said}"), "  "));
            continue;
        }
        let name = review.name;
        let names: Vec<String> = guards.iter().map(word).collect();
        let names = names.join(", ");
        let said = format!("- **Guards:** `environments/{name}.yaml` lets this pass; `deny: [{names}]` there stops it");
        out.extend(lines(&said, "  "));
    }
    out
}

/// The guards that a review's facts trip without being denied.
fn trips(review: &Review<'_>) -> BTreeSet<Guard> {
    let verdict = &review.diff.verdict;
    let blocked = verdict.blocked.iter().map(|one| one.guard);
    let denied: BTreeSet<Guard> = blocked.chain(verdict.allowed.iter().map(|one| one.allowance.guard)).collect();
    let guarded = review.diff.facts.iter().filter(|fact| !fact.subjects.is_empty());
    guarded.flat_map(|fact| fact.guards.iter().copied()).filter(|guard| !denied.contains(guard)).collect()
}

/// What is stopped: the first few with how to allow them.
fn blocked(reviews: &[Review<'_>]) -> Vec<String> {
    let mut blocked: Vec<(&Review<'_>, Guard, Vec<String>)> = Vec::new();
    for review in reviews {
        let mut guards: BTreeMap<Guard, Vec<String>> = BTreeMap::new();
        for one in &review.diff.verdict.blocked {
            guards.entry(one.guard).or_default().push(one.resource.to_string());
        }
        blocked.extend(guards.into_iter().map(|(guard, resources)| (review, guard, resources)));
    }
    if blocked.is_empty() {
        return Vec::new();
    }
    let said = "> `deploy` stops with exit code 3, as `diff --exit-code` does, until each is allowed by name:";
    let mut out = vec!["> [!CAUTION]".to_owned(), said.to_owned()];
    for (review, guard, resources) in blocked.iter().take(MOST) {
        out.extend(lines(&one_blocked(review, *guard, resources, reviews.len() > 1), ">   "));
    }
    if blocked.len() > MOST {
        out.push(format!("> - and {} more", blocked.len() - MOST));
    }
    out
}

fn one_blocked(review: &Review<'_>, guard: Guard, resources: &[String], of_several: bool) -> String {
    let of = if of_several { format!(" in {}", inline(review.name)) } else { String::new() };
    let (guard, first) = (word(&guard), resources.first().map_or("", String::as_str));
    let named = shortened(resources, NAMED);
    let file = if review.is_environment {
        format!(", or `guards.allow` in `environments/{}.yaml`", review.name)
    } else {
        String::new()
    };
    let each = if resources.len() > 1 { "each by " } else { "" };
    format!("> - **Blocked{of}** by {guard}: {named}; {each}`--allow {guard}={first}`{file}")
}

/// What would be stopped, had nobody allowed it.
fn allowed(reviews: &[Review<'_>]) -> Vec<String> {
    let allowed: Vec<_> = reviews.iter().flat_map(|review| &review.diff.verdict.allowed).collect();
    let mut out = Vec::new();
    for one in allowed.iter().take(MOST) {
        let allowance = &one.allowance;
        let said = format!("{} of {}: {}", word(&allowance.guard), allowance.resource, allowance.reason);
        out.extend(lines(&format!("- **Allowed:** {}", inline(&said)), "  "));
    }
    if allowed.len() > MOST {
        out.push(format!("- and {} more are allowed", allowed.len() - MOST));
    }
    out
}
