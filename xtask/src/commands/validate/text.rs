//! Findings for people: two lines each, the most urgent first.

use std::fmt::Write;

use review::check::{Finding, Severity};

use super::Checked;
use crate::report::printable;

/// What was found, template by template; `quiet` leaves out all but the findings.
pub(super) fn render(checked: &[Checked], quiet: bool) -> String {
    let mut out = String::new();
    for one in checked {
        template(&mut out, one, quiet);
    }
    out
}

fn template(out: &mut String, checked: &Checked, quiet: bool) {
    let report = &checked.report;
    for severity in [Severity::Error, Severity::Warning] {
        for finding in report.findings.iter().filter(|finding| finding.rule.severity == severity) {
            let word = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            line(out, &format!("{} {}", word, said(checked, finding)), &format!("mend: {}", finding.rule.mend));
        }
    }
    if quiet {
        return;
    }
    for waived in &report.waived {
        line(out, &format!("waived {}", said(checked, &waived.finding)), &format!("reason: {}", waived.reason));
    }
    let summary = match &report.unknown_macro {
        Some(name) => format!("not checked: the macro {name} may make anything of it"),
        None => {
            let (found, waived) = (report.findings.len(), report.waived.len());
            format!("{}, {waived} waived", counted(found, "finding"))
        }
    };
    line(out, &format!("{}: {summary}", checked.name), "");
}

fn said(checked: &Checked, finding: &Finding) -> String {
    let Finding { rule, path, message } = finding;
    let name = &checked.name;
    // As editors and terminals know it: a click leads to the place.
    let place = match checked.position(path) {
        Some(position) => format!("{name}:{}:{}", position.line, position.column),
        None => name.clone(),
    };
    format!("{} {place} {path}: {message}", rule.id)
}

/// The template has its words in it, and it is a line all the same.
fn line(out: &mut String, first: &str, second: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{}", printable(first));
    if !second.is_empty() {
        let _ = writeln!(out, "  {}", printable(second));
    }
}

/// `no findings`, `1 finding`, `2 findings`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
