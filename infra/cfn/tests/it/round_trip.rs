//! Templates of others, read and written: they mean the same afterwards, by a reader that is not ours.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// How many templates of our own there are at least, so that an empty folder does not pass.
const OWN: usize = 10;

#[test]
fn templates_of_others_mean_the_same_when_they_were_read_and_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = templates(&root.join("tests/round_trip/templates"));
    assert!(own.len() >= OWN, "{} templates", own.len());
    // AWS's own samples, where they lie beside the project.
    let samples = templates(&root.join("../../../shared/templates"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("round_trip");
    fs::create_dir_all(&out).unwrap();
    let mut pairs = String::new();
    for original in own.iter().chain(&samples) {
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
    compare(&root.join("tests/round_trip/same_meaning.py"), &pairs);
}

fn templates(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let is_template = |file: &PathBuf| file.extension().is_some_and(|ending| ending != "md");
    let mut files: Vec<_> = files.filter(is_template).collect();
    files.sort();
    files
}

fn compare(script: &Path, pairs: &str) {
    let python = std::env::var_os("XTASK_PYTHON")
        .expect("XTASK_PYTHON must name a Python with PyYAML: `cargo xtask test` installs one and sets it");
    let mut command = Command::new(python);
    let mut running = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(pairs.as_bytes()).unwrap();
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success(), "templates changed:\n{}", String::from_utf8_lossy(&done.stdout));
}
