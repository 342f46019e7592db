//! The pairs of `tests/diff`: what is found is what was written down by hand, no more and no less.

use std::{fs, path::Path};

use cfn::Template;
use review::diff::{Context, Diff, diff};
use serde::Serialize;
use serde_json::Value as Json;

#[test]
fn every_pair_says_what_was_expected_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff");
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let wrong: Vec<String> = folders.iter().filter_map(|folder| mistake(folder)).collect();
    assert!(wrong.is_empty(), "{} of {} pairs\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}

/// What is found in a pair against what is expected, if they differ.
fn mistake(folder: &Path) -> Option<String> {
    let template = |name: &str| -> Template {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        cfn::read::template(&text).unwrap_or_else(|error| panic!("{} {name}: {error}", folder.display()))
    };
    let context = match fs::read_to_string(folder.join("context.yaml")) {
        Ok(text) => serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display())),
        Err(_) => Context::default(),
    };
    let expected = fs::read_to_string(folder.join("expect.md")).unwrap();
    let expected: Vec<&str> = expected.lines().filter(|line| line.starts_with("- ")).collect();
    let found = lines(&diff(&template("before.yaml"), &template("after.yaml"), &context));
    let found: Vec<&str> = found
        .iter()
        .map(String::as_str)
        // What becomes of the resources is compared where somebody wrote it down.
        .filter(|line| !line.starts_with("- changes") || expected.iter().any(|line| line.starts_with("- changes")))
        .collect();
    if found == expected {
        return None;
    }
    let name = folder.file_name().unwrap_or_default().display().to_string();
    Some(format!("{name}\n  expected:\n    {}\n  found:\n    {}", expected.join("\n    "), found.join("\n    ")))
}

/// A diff in the words of `expect.md`.
fn lines(diff: &Diff) -> Vec<String> {
    let facts = diff.facts.iter().map(|fact| format!("- {} | {} | {}", word(&fact.risk), fact.id, fact.sentence));
    let facts: Vec<String> = facts.collect();
    let nothing = facts.is_empty().then(|| "- nothing".to_owned());
    let changes = diff
        .changes
        .iter()
        .map(|change| format!("- changes | {} | {} | {}", change.id, word(&change.action), word(&change.consequence)));
    facts.into_iter().chain(nothing).chain(changes).collect()
}

/// The word by which JSON tells a variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant).unwrap() {
        Json::String(text) => text,
        tagged => tagged["is"].as_str().unwrap().to_owned(),
    }
}
