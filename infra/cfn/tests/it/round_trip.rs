//! Templates of others, read and written: they mean the same afterwards, by a reader that is not ours.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// How many templates of our own there are at least, so that an empty folder does not pass.
const OWN: usize = 10;
/// Minimum number of AWS's sample templates.
const SAMPLES: usize = 50;

/// AWS's sample templates, which are not part of the project.
fn samples() -> Vec<PathBuf> {
    let folder = std::env::var_os("TEMPLATE_SAMPLES").expect("TEMPLATE_SAMPLES names the folder of AWS's samples");
    let samples = templates(Path::new(&folder));
    assert!(samples.len() >= SAMPLES, "{} templates in {}", samples.len(), folder.display());
    samples
}

#[test]
fn templates_mean_the_same_after_reading_and_writing() {
    let own = templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/round_trip/templates"));
    assert!(own.len() >= OWN, "{} templates", own.len());
    read_and_write(&own, "round_trip");
}

#[test]
#[ignore = "needs AWS's sample templates: TEMPLATE_SAMPLES=DIR"]
fn sample_templates_mean_the_same_after_reading_and_writing() {
    read_and_write(&samples(), "round_trip_samples");
}

fn read_and_write(originals: &[PathBuf], folder: &str) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&out).unwrap();
    let mut pairs = String::new();
    for original in originals {
        let text = fs::read_to_string(original).unwrap();
        let template = cfn::read::template(&text).unwrap_or_else(|error| panic!("{}: {error}", original.display()));
        let name = original.file_name().unwrap().to_str().unwrap();
        for (ending, written) in [("yaml", cfn::write::yaml(&template)), ("json", cfn::write::json(&template))] {
            let file = out.join(format!("{name}.{ending}"));
            assert!(cfn::read::template(&written).unwrap() == template, "{name}: our own reader sees a difference");
            fs::write(&file, written).unwrap();
            pairs.push_str(&format!("{}\t{}\n", original.display(), file.display()));
        }
    }
    let said = differences(&pairs);
    assert!(said.is_empty(), "templates changed:\n{said}");
}

/// The comparison would be worth nothing if it took everything for the same.
#[test]
fn the_other_reader_sees_what_changed() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("round_trip");
    fs::create_dir_all(&out).unwrap();
    let with = |name: &str, property: &str| {
        let file = out.join(name);
        fs::write(&file, format!("Resources: {{A: {{Type: X, Properties: {{{property}}}}}}}\n")).unwrap();
        file.display().to_string()
    };
    for (at, (before, after)) in [
        ("P: on", "P: 'on'"),
        ("P: 1", "P: '1'"),
        ("P: 1", "P: true"),
        ("P: 012345678901", "P: 12345678901"),
        ("P: 22:30:00", "P: 81000"),
        ("P: !Ref B", "P: {Ref: C}"),
        ("P: !GetAtt B.C", "P: !Ref B.C"),
        ("P: !Sub '${B}'", "P: '${B}'"),
        ("P: [1, 2]", "P: [2, 1]"),
        ("P: ''", "P: "),
        ("P: {}", "Q: {}"),
    ]
    .into_iter()
    .enumerate()
    {
        let (before_file, after_file) = (with(&format!("{at}.before"), before), with(&format!("{at}.after"), after));
        let said = differences(&format!("{before_file}\t{after_file}\n"));
        assert!(!said.is_empty(), "{before} and {after} mean the same to it");
        assert_eq!(differences(&format!("{before_file}\t{before_file}\n")), "");
    }
}

fn templates(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let is_template = |file: &PathBuf| file.extension().is_some_and(|ending| ending != "md");
    let mut files: Vec<_> = files.filter(is_template).collect();
    files.sort();
    files
}

/// What the other reader says about pairs of files, a line each: `BEFORE<tab>AFTER`.
fn differences(pairs: &str) -> String {
    let python = std::env::var_os("XTASK_PYTHON")
        .expect("XTASK_PYTHON must name a Python with PyYAML: `cargo xtask test` installs one and sets it");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/round_trip/same_meaning.py");
    let mut command = Command::new(python);
    let mut running = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(pairs.as_bytes()).unwrap();
    let done = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.success(), said.is_empty(), "it failed without a word, or spoke without failing");
    said
}
