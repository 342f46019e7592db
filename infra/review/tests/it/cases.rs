//! The cases of `tests/check/<RULE>.diff`: a template that breaks the rule, what fixes it, and what is found.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A template in two forms that differ in what a rule is about.
pub(crate) struct Case {
    /// Such as `SQS-6-standard`, a variant of `SQS-6`.
    pub(crate) name: String,
    /// Breaks the rule, and no other.
    pub(crate) bad: String,
    /// Breaks no rule.
    pub(crate) good: String,
}

impl Case {
    /// The rule that it is about.
    pub(crate) fn rule(&self) -> String {
        self.name.splitn(3, '-').take(2).collect::<Vec<_>>().join("-")
    }
}

/// The files of all rules, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "diff"));
    files.sort();
    files
}

/// The cases of a file. Lines that begin with `>` say what is found and are left out.
///
/// # Panics
/// A line begins with another character than the format has.
pub(crate) fn of(file: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (at, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case { name: name.to_owned(), bad: String::new(), good: String::new() });
            continue;
        }
        let (Some(mark), Some(case)) = (line.chars().next(), cases.last_mut()) else { continue };
        let text = format!("{}\n", &line[1..]);
        match mark {
            ' ' => {
                case.bad.push_str(&text);
                case.good.push_str(&text);
            }
            '-' => case.bad.push_str(&text),
            '+' => case.good.push_str(&text),
            '>' => {}
            _ => panic!("{}:{}: a line begins with a space, -, +, > or ===", file.display(), at + 1),
        }
    }
    cases
}

/// All cases of all rules.
pub(crate) fn all() -> Vec<Case> {
    files().iter().flat_map(|file| of(file)).collect()
}

/// The case of this name.
pub(crate) fn named(name: &str) -> Case {
    all().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case {name}"))
}
