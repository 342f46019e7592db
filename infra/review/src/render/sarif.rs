//! For code scanners: what guards block, as SARIF 2.1.0.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Review, told::word};
use cfn::LogicalId;
use cfn::guard::Guard;

use crate::diff::Source;

/// What the guards say, as one SARIF log: blocked facts are errors, allowed ones are suppressed with the reason.
#[must_use]
pub fn sarif(reviews: &[Review<'_>]) -> String {
    let mut guards: BTreeSet<Guard> = BTreeSet::new();
    let mut results = Vec::new();
    for review in reviews {
        let verdict = &review.diff.verdict;
        for blocked in &verdict.blocked {
            guards.insert(blocked.guard);
            results.push(result(review, blocked.guard, &blocked.resource, &blocked.sentence, None));
        }
        for allowed in &verdict.allowed {
            let allowance = &allowed.allowance;
            guards.insert(allowance.guard);
            let reason = Some(allowance.reason.as_str());
            results.push(result(review, allowance.guard, &allowance.resource, &allowed.sentence, reason));
        }
    }
    let rules: Vec<Json> =
        guards.iter().map(|guard| json!({ "id": word(guard), "defaultConfiguration": { "level": "error" } })).collect();
    let driver = json!({ "name": "cargo-xtask-diff", "rules": rules });
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    format!("{log:#}\n")
}

fn result(review: &Review<'_>, guard: Guard, resource: &LogicalId, sentence: &str, allowed: Option<&str>) -> Json {
    let guard = word(&guard);
    let mut result = json!({
        "ruleId": guard,
        "level": "error",
        "message": { "text": format!("{}: {sentence}. To allow it: --allow {guard}={resource}", review.name) },
        "locations": [location(review, resource)],
        // The same finding of another run is the same alert.
        "partialFingerprints": { "guard/v1": format!("{}/{guard}/{resource}", review.name) },
    });
    if let (Some(reason), Some(members)) = (allowed, result.as_object_mut()) {
        let suppressions = json!([{ "kind": "external", "justification": reason }]);
        members.insert("suppressions".to_owned(), suppressions);
    }
    result
}

/// The line that defines the resource, where it is known; otherwise what is reviewed.
fn location(review: &Review<'_>, resource: &LogicalId) -> Json {
    let change = review.diff.changes.iter().find(|change| change.id == *resource);
    let physical = match change.and_then(|change| change.source.as_ref()) {
        Some(Source { file, line }) => json!({ "artifactLocation": { "uri": file }, "region": { "startLine": line } }),
        None if review.is_environment => {
            json!({ "artifactLocation": { "uri": format!("environments/{}.yaml", review.name) } })
        }
        None => json!({ "artifactLocation": { "uri": uri(review.name) } }),
    };
    json!({ "physicalLocation": physical, "logicalLocations": [{ "name": resource, "kind": "resource" }] })
}

/// A file's name as a relative reference.
fn uri(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
