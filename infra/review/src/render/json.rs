//! For programs. The shape is that of `infra/review/schema/diff.json`: members may be added, none changes its meaning as long as
//! `version` stays.

use serde::Serialize;

use super::{ChangeSet, Review};
use crate::diff::{Change, Diff, Fact, SectionChange, Verdict};

/// The shape's version.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    reviews: Vec<Reviewed<'a>>,
}

#[derive(Serialize)]
struct Reviewed<'a> {
    name: &'a str,
    against: &'a str,
    /// What is known of CloudFormation's own view; left out where nothing that runs is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    change_set: Option<ChangeSet<'a>>,
    /// Whether anything differs.
    differs: bool,
    facts: &'a [Fact],
    changes: &'a [Change],
    sections: &'a [SectionChange],
    verdict: &'a Verdict,
}

/// Reviews for programs, as one JSON document.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn json(reviews: &[Review<'_>]) -> serde_json::Result<String> {
    let document = Document { version: VERSION, reviews: reviews.iter().map(reviewed).collect() };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn reviewed<'a>(review: &Review<'a>) -> Reviewed<'a> {
    let Review { name, against, change_set, diff, .. } = *review;
    let Diff { facts, changes, sections, verdict } = diff;
    Reviewed { name, against, change_set, differs: !diff.is_empty(), facts, changes, sections, verdict }
}
