//! What is wrong with a template: what AWS would refuse, and what a careful engineer would not deploy.
//!
//! One rule, one function: it is given the [`Facts`] of a template and answers faults. The rules stand in a table on top of
//! each theme's file; each has an id, a reason and a mend. A rule says nothing where a value is not known before the
//! deployment (parameters, conditions, imports): a false finding costs more than a missing one.
//!
//! A finding is waived beside what it is about, with a reason that is shown:
//!
//! ```yaml
//! Metadata:
//!   Waivers:
//!     SNS-9: CloudWatch cannot publish to a topic that is encrypted with AWS's own key
//! ```
//!
//! Finding is apart from showing: nothing here knows of colours, widths or exit codes.

mod alarms;
mod context;
mod data;
mod dead_letters;
mod deliveries;
mod domains;
mod functions;
mod http;
mod iam;
mod keys;
mod kinds;
mod logs;
mod misfits;
mod names;
mod pattern;
mod queues;
mod quotas;
mod references;
mod schema;
mod sections;
mod sources;
mod topics;
mod waivers;

use std::collections::HashSet;

use serde::Serialize;

use cfn::{Path, Template};
use context::Facts;

/// The themes, in the order in which their findings are listed.
const THEMES: [&[Rule]; 18] = [
    sections::RULES,
    references::RULES,
    schema::RULES,
    names::RULES,
    quotas::RULES,
    iam::RULES,
    http::RULES,
    domains::RULES,
    deliveries::RULES,
    topics::RULES,
    queues::RULES,
    sources::RULES,
    functions::RULES,
    alarms::RULES,
    logs::RULES,
    data::RULES,
    keys::RULES,
    waivers::RULES,
];

/// A rule that templates keep.
pub struct Rule {
    /// Such as `SQS-1`; it never changes its meaning.
    pub id: &'static str,
    /// What comes of breaking it.
    pub severity: Severity,
    /// What it asks for, in a few words.
    pub title: &'static str,
    /// Why, with AWS's page where there is one.
    pub why: &'static str,
    /// What to do about a finding.
    pub mend: &'static str,
    find: fn(&Facts<'_>) -> Vec<Fault>,
}

impl Rule {
    /// Whether what it finds is left out where another rule finds something.
    pub(crate) fn may_echo(&self) -> bool {
        self.id.starts_with("SCHEMA-")
    }
}

/// What comes of breaking a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The deployment fails, or what it makes cannot do its work.
    Error,
    /// It works, and is not what a careful engineer would deploy.
    Warning,
}

/// What a rule's function answers.
#[derive(Clone)]
struct Fault {
    path: Path,
    message: String,
}

impl Fault {
    fn new(path: Path, message: impl Into<String>) -> Self {
        Self { path, message: message.into() }
    }
}

/// A rule that is broken, and where.
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The place.
    pub path: Path,
    /// What is wrong there.
    pub message: String,
}

/// A finding that somebody decided to live with.
pub struct Waived {
    /// What was found.
    pub finding: Finding,
    /// Why it may stay.
    pub reason: String,
}

/// Everything that was found in a template.
#[derive(Default)]
pub struct Report {
    /// What is to be mended, or waived.
    pub findings: Vec<Finding>,
    /// What was waived.
    pub waived: Vec<Waived>,
    /// The macro that kept the template from being checked: one that is not AWS's own may make anything of it.
    pub unknown_macro: Option<String>,
}

/// Every rule there is.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    THEMES.iter().copied().flatten()
}

/// Checks a template by every rule.
#[must_use]
pub fn template(template: &Template) -> Report {
    by_rules(template, |_| true)
}

/// Checks a template by some of the rules.
pub(crate) fn by_rules(template: &Template, chosen: impl Fn(&Rule) -> bool) -> Report {
    let facts = Facts::of(template);
    if let Some(name) = facts.unknown_macro() {
        return Report { unknown_macro: Some(name), ..Report::default() };
    }
    let found = rules().filter(|rule| chosen(rule)).flat_map(|rule| {
        let faults = (rule.find)(&facts);
        faults.into_iter().map(move |Fault { path, message }| Finding { rule, path, message })
    });
    waivers::apply(template, without_echoes(found.collect()))
}

/// AWS's schema says that a value does not fit; where a rule of ours says more about the same place, that is enough.
fn without_echoes(found: Vec<Finding>) -> Vec<Finding> {
    let is_echo = |finding: &Finding| finding.rule.may_echo();
    let said: HashSet<Path> =
        found.iter().filter(|finding| !is_echo(finding)).map(|finding| finding.path.clone()).collect();
    found.into_iter().filter(|finding| !is_echo(finding) || !said.contains(&finding.path)).collect()
}
