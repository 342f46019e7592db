//! Programs that must not compile, each with what the compiler says about it in a file beside it.
//!
//! Each is given to the compiler alone, with the libraries that cargo has built already. Tools that make a project of such
//! programs compile all dependencies once more for it.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::Deserialize;

/// An artifact, as cargo tells of it.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Compiles each program of `tests/compile_fail` of this package against these crates, and compares what the compiler says
/// with the file beside it; `UPDATE_EXPECT=1` rewrites those files.
pub(crate) fn are_refused(package: &Path, root: &Path, crates: &[&str]) {
    let libraries = libraries(root);
    let externs: Vec<String> = crates.iter().map(|name| library(&libraries, name)).collect();
    let mut programs: Vec<PathBuf> = fs::read_dir(package.join("tests/compile_fail"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    programs.sort();
    assert!(!programs.is_empty(), "no program in {}", package.display());
    let (next, compiled) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _processor in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let said = refusal(program, package, root, &externs);
                    compiled.lock().unwrap().push((program.with_extension("stderr"), said));
                }
            });
        }
    });
    for (expected, said) in compiled.into_inner().unwrap() {
        expect_test::expect_file![expected].assert_eq(&said);
    }
}

/// The libraries of the workspace, which the tests' own build has made. All packages at once: of fewer, features differ.
fn libraries(root: &Path) -> Vec<Artifact> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--workspace", "--lib", "--message-format", "json"]);
    let output = cargo.current_dir(root).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Crate name and file, as the compiler takes them.
fn library(libraries: &[Artifact], name: &str) -> String {
    let of_name = |artifact: &&Artifact| {
        artifact.reason == "compiler-artifact" && artifact.target.as_ref().is_some_and(|target| target.name == name)
    };
    let artifact = libraries.iter().find(of_name).unwrap_or_else(|| panic!("cargo built no {name}"));
    let file = artifact.filenames.iter().find(|file| file.extension().is_some_and(|extension| extension == "rlib"));
    format!("{name}={}", file.unwrap_or_else(|| panic!("{name} is no library")).display())
}

/// What the compiler says about a program that it must refuse.
fn refusal(program: &Path, package: &Path, root: &Path, externs: &[String]) -> String {
    let shown = program.strip_prefix(package).unwrap();
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition", "2024", "--crate-type", "bin", "--emit", "metadata", "--color", "never"]);
    compiler.arg("--out-dir").arg(env!("CARGO_TARGET_TMPDIR"));
    for library in externs {
        let folder = Path::new(library.split_once('=').unwrap().1).parent().unwrap();
        compiler.args(["--extern", library]).arg("-L").arg(format!("dependency={}", folder.join("deps").display()));
        compiler.arg("-L").arg(format!("dependency={}", folder.display()));
    }
    let output = compiler.arg(shown).current_dir(package).stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success(), "{} compiles", shown.display());
    normalized(&String::from_utf8_lossy(&output.stderr), root)
}

/// What is the same on every machine and after changes elsewhere: no folders, no lines of the libraries' sources, no sums.
fn normalized(said: &str, root: &Path) -> String {
    let said = said.replace(&root.display().to_string(), "$WORKSPACE");
    let mut kept = String::new();
    let mut elsewhere = false;
    for line in said.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("error: aborting due to")
            || trimmed.starts_with("For more information about this error")
            || trimmed.starts_with("Some errors have detailed explanations")
            || trimmed.starts_with("= note: the full name for the type has been written to")
            || trimmed.starts_with("= note: the full type name has been written to")
            || trimmed.starts_with("= note: consider using `--verbose`")
        {
            continue;
        }
        if let Some(place) = trimmed.strip_prefix("--> ").or_else(|| trimmed.strip_prefix("::: ")) {
            let arrow = &trimmed[..3];
            elsewhere = !place.starts_with("tests/compile_fail/");
            let file = if elsewhere { place.split(':').next().unwrap() } else { place };
            // The standard library's folder differs by installation.
            let file = file.split_once("/library/").map_or(file.to_owned(), |(_, file)| format!("$RUST/{file}"));
            writeln!(kept, "   {arrow} {file}").unwrap();
            continue;
        }
        // Gutters are as wide as the longest line number, which may be elsewhere.
        let source = trimmed.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let number = if elsewhere { "" } else { &trimmed[..trimmed.len() - source.len()] };
        if let Some(source) = source.trim_start().strip_prefix('|') {
            writeln!(kept, "{number:>3} |{source}").unwrap();
        } else if let Some(note) = trimmed.strip_prefix("= ") {
            writeln!(kept, "    = {note}").unwrap();
        } else if trimmed.starts_with("and ") && trimmed.ends_with(" others") {
            // Grows with each resource.
            writeln!(kept, "          and $N others").unwrap();
        } else {
            writeln!(kept, "{line}").unwrap();
        }
    }
    let mut text = kept.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text.truncate(text.trim_end().len());
    text + "\n"
}
