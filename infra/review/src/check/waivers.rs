//! Waivers: findings that somebody decided to live with, and says why.

use serde_json::{Map, Value as Json};

use super::{Fault, Finding, Report, Rule, Severity::Warning, Waived, rules};
use crate::check::context::Facts;
use cfn::{Path, Template, WAIVERS};

const UNUSED: &str = "WAIVE-2";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "WAIVE-1",
        severity: Warning,
        title: "a waiver says why",
        why: "the next reader must be able to tell whether the reason still holds",
        mend: "write the reason as the waiver's value, as text",
        find: without_reason,
    },
    Rule {
        id: UNUSED,
        severity: Warning,
        title: "a waiver waives something",
        why: "a waiver that is left behind would hide the next finding of its rule",
        mend: "remove the waiver",
        // Only who knows all findings can tell: `apply`.
        find: |_| Vec::new(),
    },
];

fn without_reason(facts: &Facts<'_>) -> Vec<Fault> {
    let resources = facts.resources().map(|thing| (thing.path(), &thing.resource.metadata));
    let all = resources.chain([(Path::default(), &facts.template.metadata)]);
    all.flat_map(|(path, metadata)| {
        let bare = waivers(metadata).filter(|(_, reason)| reason.is_none());
        bare.map(move |(rule, _)| Fault::new(place(&path, rule), format!("{rule} is waived without a reason")))
    })
    .collect()
}

/// Parts findings that are waived from those that are not. A resource's waivers count for what is found inside it, the
/// template's for everything else.
pub(super) fn apply(template: &Template, found: Vec<Finding>) -> Report {
    let mut report = Report::default();
    let mut used = Vec::new();
    for finding in found {
        let id = finding.path.resource_id();
        let resource = id.and_then(|id| template.resources.get(id));
        let metadata = resource.map_or(&template.metadata, |resource| &resource.metadata);
        let waiver = waivers(metadata).find(|(rule, _)| *rule == finding.rule.id);
        match waiver.and_then(|(rule, reason)| Some((rule, reason?))) {
            Some((rule, reason)) => {
                used.push((id.map(str::to_owned), rule));
                report.waived.push(Waived { finding, reason: reason.to_owned() });
            }
            None => report.findings.push(finding),
        }
    }
    let resources = template.resources.iter().map(|(id, resource)| (Some(id.to_string()), &resource.metadata));
    for (id, metadata) in resources.chain([(None, &template.metadata)]) {
        let path = id.as_deref().map_or_else(Path::default, Path::resource);
        for (rule, reason) in waivers(metadata) {
            // Other programs' waivers may be noted here too; this one knows its own rules only.
            let ours = rules().find(|known| known.id == rule);
            if ours.is_some() && reason.is_some() && !used.contains(&(id.clone(), rule)) {
                report.findings.extend(unused(&place(&path, rule), rule));
            }
        }
    }
    report
}

fn unused(path: &Path, waived: &str) -> Option<Finding> {
    let rule = rules().find(|rule| rule.id == UNUSED)?;
    Some(Finding { rule, path: path.clone(), message: format!("nothing here breaks {waived}") })
}

fn place(path: &Path, rule: &str) -> Path {
    path.key("Metadata").key(WAIVERS).key(rule)
}

/// The rules that are waived, each with its reason where there is one.
fn waivers(metadata: &Map<String, Json>) -> impl Iterator<Item = (&str, Option<&str>)> {
    let waivers = metadata.get(WAIVERS).and_then(Json::as_object).into_iter().flatten();
    waivers.map(|(rule, reason)| (rule.as_str(), reason.as_str().filter(|reason| !reason.trim().is_empty())))
}
