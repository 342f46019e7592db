//! Findings for programs. The shape is stable: members may be added, none changes its meaning.
//!
//! ```json
//! {
//!   "templates": [{
//!     "template": "prod",
//!     "findings": [{
//!       "rule": "SQS-3", "severity": "warning", "title": "...", "why": "...",
//!       "path": "Resources.Queue.Properties.RedrivePolicy.maxReceiveCount",
//!       "line": 12, "column": 7,
//!       "message": "given up after 2 receives", "mend": "..."
//!     }],
//!     "waived": [{ "rule": "...", "reason": "...", "...": "as above" }],
//!     "unknown_macro": null
//!   }]
//! }
//! ```
//!
//! `template` is an environment's name or a file's. `severity` is `error` (the deployment fails, or what it makes cannot do
//! its work) or `warning`. `line` and `column` count from 1 and are null where the template is no file. `unknown_macro` names
//! the macro that kept a template from being checked.

use cfn::Path;
use review::check::{Finding, Severity};
use serde::Serialize;

use super::Checked;
use crate::report::Failure;

#[derive(Serialize)]
struct Document<'a> {
    templates: Vec<Template<'a>>,
}

#[derive(Serialize)]
struct Template<'a> {
    template: &'a str,
    findings: Vec<Found<'a>>,
    waived: Vec<Waived<'a>>,
    unknown_macro: Option<&'a str>,
}

#[derive(Serialize)]
struct Waived<'a> {
    reason: &'a str,
    #[serde(flatten)]
    found: Found<'a>,
}

#[derive(Serialize)]
struct Found<'a> {
    rule: &'a str,
    severity: Severity,
    title: &'a str,
    why: &'a str,
    path: &'a Path,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    mend: &'a str,
}

pub(super) fn render(checked: &[Checked]) -> Result<String, Failure> {
    let document = Document { templates: checked.iter().map(template).collect() };
    let text = serde_json::to_string_pretty(&document).map_err(Failure::from("cannot write the findings as JSON"))?;
    Ok(text + "\n")
}

fn template(checked: &Checked) -> Template<'_> {
    let report = &checked.report;
    let waived =
        report.waived.iter().map(|waived| Waived { reason: &waived.reason, found: found(checked, &waived.finding) });
    Template {
        template: &checked.name,
        findings: report.findings.iter().map(|finding| found(checked, finding)).collect(),
        waived: waived.collect(),
        unknown_macro: report.unknown_macro.as_deref(),
    }
}

fn found<'a>(checked: &Checked, finding: &'a Finding) -> Found<'a> {
    let Finding { rule, path, message } = finding;
    let position = checked.position(path);
    Found {
        rule: rule.id,
        severity: rule.severity,
        title: rule.title,
        why: rule.why,
        path,
        line: position.map(|position| position.line),
        column: position.map(|position| position.column),
        message,
        mend: rule.mend,
    }
}
