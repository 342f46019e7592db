//! A diff as text, for whoever reads it: people at a terminal or in a pull request, programs, code scanners.
//!
//! Nothing here finds anything, and nothing else knows of colours and widths. Several reviews become one text: what is alike
//! in them is said once. Texts of templates are shown as text, whatever stands in them: names cannot format, link, mention,
//! colour or hide anything.

mod details;
mod json;
mod markdown;
mod sarif;
mod terminal;
mod text;
mod told;

pub use json::json;
pub use markdown::{MARKDOWN_BYTES, markdown};
pub use sarif::sarif;
pub use terminal::{Style, terminal};
pub use text::{printable, printable_lines};

use serde::Serialize;

use crate::diff::Diff;

/// What is reviewed.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// The environment, or the new template's file.
    pub name: &'a str,
    /// Whether `name` is an environment's: then it may be allowed what guards block, in its file.
    pub is_environment: bool,
    /// What it is compared with, as a reader knows it: `git:origin/main`, `what is deployed`.
    pub against: &'a str,
    /// What is known of CloudFormation's own view, where what runs is compared.
    pub change_set: Option<ChangeSet<'a>>,
    /// What was found.
    pub diff: &'a Diff,
}

/// What is known of CloudFormation's own view of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", content = "why", rename_all = "kebab-case")]
pub enum ChangeSet<'a> {
    /// Its change set is part of what was found.
    Joined,
    /// It refuses the change, which is part of what was found.
    Refused,
    /// It was not asked, and this is why: what happens to resources is said by AWS's schemas alone.
    Missing(&'a str),
}
