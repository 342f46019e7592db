//! How many places a function takes: its binary, the contract, and a paragraph of the stack; nothing names it a fourth time.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where code is, from this crate. Tests, snapshots and documents may name what they are about.
const ROOMS: [&str; 7] = [
    "src",
    "cfn/src",
    "../handlers/src",
    "../handlers/contract/src",
    "../xtask/src",
    "../xtask/local-cloud/src",
    "../xtask/maintenance/src",
];

/// Where a function may be named and need not be: which logs can ring an alarm, which line of an environment file is wrong
/// when a queue hides messages for too short a time (the stack refuses that by itself, without the line), which functions
/// are measured.
const OPTIONAL: [&str; 3] =
    ["handlers/contract/src/signal.rs", "infra/src/environment/rules.rs", "xtask/maintenance/src/bench/functions.rs"];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = ROOMS.iter().map(|room| root.join(room)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, code(&text)));
            }
        }
    }
    sources
}

/// What the compiler reads: no comments, and no tests at a file's end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// `webhook-verify` is `WebhookVerify`.
fn in_capitals(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Whether a text has a name as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().last()) && !part(text[at + name.len()..].chars().next()))
}

#[test]
fn a_function_is_named_in_its_binary_the_contract_and_the_stack_and_nowhere_else() {
    let sources = sources();
    for function in contract::functions::ALL {
        let wanted = [
            format!("handlers/src/bin/{}.rs", function.name),
            "handlers/contract/src/functions.rs".to_owned(),
            "infra/src/service.rs".to_owned(),
        ];
        let in_capitals = in_capitals(function.name);
        let by_name = |(file, text): &&(PathBuf, String)| {
            file.ends_with(&wanted[0]) || names(text, &in_capitals) || text.contains(&format!("\"{}\"", function.name))
        };
        let mut found: Vec<_> = sources.iter().filter(by_name).map(|(file, _)| file.canonicalize().unwrap()).collect();
        found.sort();
        found.retain(|file| !OPTIONAL.iter().any(|optional| file.ends_with(optional)));
        let as_wanted =
            found.len() == wanted.len() && found.iter().all(|file| wanted.iter().any(|end| file.ends_with(end)));
        assert!(as_wanted, "{} is named in {found:#?}, not in {wanted:#?}", function.name);
    }
}
