//! Which functions have another source than at a revision.
//!
//! Whether their binaries differ is only known once both are built; a reviewer wants to know where to look before that.

use cfn::{LogicalId, Template};
use contract::functions::ALL;
use review::diff::{Detail, Fact, Risk};
use serde_json::Value as Json;

use crate::{context::Context, report::Failure, templates};

/// What handlers are made of, beside the binary's own file.
const SHARED: [&str; 7] = [
    "handlers",
    "Cargo.toml",
    "Cargo.lock",
    ":(exclude)handlers/src/bin",
    ":(exclude,glob)handlers/**/tests/**",
    ":(exclude,glob)handlers/**/fuzz/**",
    ":(exclude)*.md",
];

/// What is told of functions whose source differs from that of a revision.
pub(super) fn changed(context: &Context, revision: &str, template: &Template) -> Result<Vec<Fact>, Failure> {
    let shared = templates::changed_files(context, revision, &SHARED)?;
    let binaries = templates::changed_files(context, revision, &["handlers/src/bin"])?;
    Ok(facts(template, &shared, &binaries))
}

fn facts(template: &Template, shared: &[String], binaries: &[String]) -> Vec<Fact> {
    let of_function = |name: &'static str| {
        let mut resources = template.resources.iter();
        let binary = |metadata: &Json| metadata.as_str() == Some(name);
        resources.find(|(_, resource)| resource.metadata.get("Binary").is_some_and(binary)).map(|(id, _)| (id, name))
    };
    let functions: Vec<(&LogicalId, &str)> = ALL.iter().filter_map(|function| of_function(function.name)).collect();
    let mut facts = Vec::new();
    for (id, name) in &functions {
        let is_own = |file: &&String| {
            let rest = file.strip_prefix("handlers/src/bin/").and_then(|file| file.strip_prefix(name));
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        let own: Vec<&str> = binaries.iter().filter(is_own).map(String::as_str).collect();
        if !own.is_empty() {
            facts.push(fact(&[*id], format!("{name} has another source: {}", own.join(", ")), &[]));
        }
    }
    if !shared.is_empty() {
        let names: Vec<&str> = functions.iter().map(|(_, name)| *name).collect();
        let files = if shared.len() == 1 { "1 file differs" } else { &format!("{} files differ", shared.len()) };
        let ids: Vec<&LogicalId> = functions.iter().map(|(id, _)| *id).collect();
        let sentence = format!("{files} that functions share: {} may behave differently", names.join(", "));
        facts.push(fact(&ids, sentence, shared));
    }
    facts
}

fn fact(subjects: &[&LogicalId], sentence: String, files: &[String]) -> Fact {
    let details = files.iter().map(|file| Detail { text: file.clone(), old: None, new: None }).collect();
    Fact { details, ..Fact::new("source-changed", Risk::Code, subjects, sentence) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails panics")]

    use super::facts;

    #[test]
    fn a_function_is_named_with_its_file_and_all_that_share_one_together() {
        let template = "Resources:\n  Plans: {Type: X, Metadata: {Binary: plans-list}}\n  Verify: {Type: X, Metadata: {Binary: webhook-verify}}\n";
        let template = cfn::read::template(template).unwrap();
        let file = |name: &str| vec![name.to_owned()];
        let said = |shared: &[String], binaries: &[String]| -> Vec<String> {
            facts(&template, shared, binaries).into_iter().map(|fact| fact.sentence).collect()
        };
        let own = file("handlers/src/bin/plans-list.rs");
        assert_eq!(said(&[], &own), ["plans-list has another source: handlers/src/bin/plans-list.rs"]);
        let both = "1 file differs that functions share: plans-list, webhook-verify may behave differently";
        assert_eq!(said(&file("handlers/src/batch.rs"), &[]), [both]);
        assert!(said(&[], &file("handlers/src/bin/plans-list-other.rs")).is_empty());
    }
}
