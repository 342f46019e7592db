//! Every call that a text shows is one that this command line understands: documents, workflows, help, messages, alarms.

use std::{collections::BTreeSet, fs, path::Path, process::Command as Process};

use clap::{CommandFactory, Parser, error::ErrorKind};

use super::Cli;

/// How a text calls this program.
const CALL: &str = "cargo xtask ";

/// The words of a call, as a shell splits them, up to where the call ends.
fn words(call: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in call.chars() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.push(letter),
            ('"' | '\'', None) => quote = Some(letter),
            ('|' | '>' | '<' | ';' | '#' | '(' | ')' | '`' | '\n', None) => break,
            (' ', None) => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Why this is no call of this program, if it is none.
fn wrong(words: &[String]) -> Option<clap::Error> {
    Cli::try_parse_from(["xtask".to_owned()].iter().chain(words)).err()
}

/// Whether a call only lacks what a text may leave out, or asks for help.
fn is_part(error: &clap::Error) -> bool {
    use ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand,
    };
    matches!(
        error.kind(),
        DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | MissingRequiredArgument | MissingSubcommand
    )
}

/// Each command with its help, also those below others.
fn helps(command: &clap::Command, name: &str) -> Vec<(String, String)> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    let mut helps: Vec<_> = below.flat_map(|below| helps(below, &format!("{name} {}", below.get_name()))).collect();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    helps.push((name.to_owned(), help));
    helps
}

#[test]
fn every_command_shows_examples_that_are_whole_calls() {
    for (name, help) in helps(&Cli::command(), "cargo xtask") {
        if name == "cargo xtask" {
            continue;
        }
        let examples: Vec<_> = help.lines().filter_map(|line| line.trim().split_once(CALL)).collect();
        assert!(help.starts_with("Examples:") && !examples.is_empty(), "{name} shows no examples");
        for (_, call) in examples {
            let words = words(call);
            let whole = wrong(&words).is_none_or(|error| error.kind() == ErrorKind::DisplayHelp);
            assert!(whole, "{name} shows `cargo xtask {call}`: {}", wrong(&words).unwrap());
        }
        let own = name.strip_prefix(CALL).unwrap();
        assert!(help.contains(&format!("{CALL}{own}")), "{name} shows examples of others only");
    }
}

#[test]
fn every_call_that_a_text_shows_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Process::new("git").args(["ls-files"]).current_dir(&root).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    // Texts for people, and code that prints such texts: there a call stands in backticks.
    let mark = |file: &str| match Path::new(file).extension().and_then(|ending| ending.to_str()) {
        Some("rs") => Some(format!("`{CALL}")),
        Some("md" | "yml" | "yaml" | "json") => Some(CALL.to_owned()),
        _ => (file == ".ci/run").then(|| CALL.to_owned()),
    };
    let (mut seen, mut wrongs) = (BTreeSet::new(), Vec::new());
    for (file, mark) in files.lines().filter_map(|file| Some((file, mark(file)?))) {
        let text = fs::read_to_string(root.join(file)).unwrap();
        for call in text.split(&mark).skip(1) {
            let call = call.split(['`', '\n', '|', '\\']).next().unwrap();
            // What a shell or a format puts in is some word; of a list, none.
            let words = words(call).into_iter().filter(|word| !word.starts_with("${"));
            let words = words.map(|word| if word.starts_with(['$', '{']) { "1".to_owned() } else { word });
            let words: Vec<_> = words.map(|word| word.trim_end_matches(['.', ',', ':']).to_owned()).collect();
            // A sentence about the program as a whole, or about any command of it.
            let names_one =
                words.first().is_some_and(|first| first.starts_with(|letter: char| letter.is_ascii_lowercase()));
            if names_one && seen.insert((file.to_owned(), words.clone())) {
                let wrong = wrong(&words).filter(|error| !is_part(error));
                wrongs.extend(wrong.map(|error| format!("{file} shows `cargo xtask {call}`: {error}")));
            }
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    assert!(seen.len() > 100, "{seen:?}");
}
