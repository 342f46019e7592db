//! Programs that must not compile, each with what the compiler says about it in a file beside it.
//!
//! Each is given to the compiler alone, with the libraries that cargo has built already. Tools that make a project of such
//! programs compile all dependencies once more for it.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
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
    let (next, wrong) = (AtomicUsize::new(0), std::sync::Mutex::new(String::new()));
    thread::scope(|scope| {
        for _processor in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(difference) = is_refused(program, package, root, &externs) {
                        wrong.lock().unwrap().push_str(&difference);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}UPDATE_EXPECT=1 accepts what the compiler says now");
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

fn is_refused(program: &Path, package: &Path, root: &Path, externs: &[String]) -> Result<(), String> {
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
    let said = normalized(&String::from_utf8_lossy(&output.stderr), root);
    if output.status.success() {
        return Err(format!("{} compiles\n", shown.display()));
    }
    let expected = program.with_extension("stderr");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, said).unwrap();
        return Ok(());
    }
    let before = fs::read_to_string(&expected).unwrap_or_else(|_| String::new());
    if before == said {
        return Ok(());
    }
    Err(format!("{}: the compiler says something else\n{}", shown.display(), difference(&before, &said)))
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
            elsewhere = !place.starts_with("tests/compile_fail/");
            if elsewhere {
                let indent = &line[..line.len() - place.len()];
                let file = place.split(':').next().unwrap();
                // The standard library's folder differs by installation.
                let file = file.split_once("/library/").map_or(file.to_owned(), |(_, file)| format!("$RUST/{file}"));
                writeln!(kept, "{indent}{file}").unwrap();
                continue;
            }
        }
        // Gutters are as wide as the longest line number, which may be elsewhere.
        let gutter = trimmed.trim_start_matches(|letter: char| letter.is_ascii_digit());
        match gutter.trim_start().strip_prefix('|') {
            Some(source) if elsewhere || trimmed.starts_with('|') => writeln!(kept, "  |{source}").unwrap(),
            Some(source) => {
                let number = &trimmed[..trimmed.len() - gutter.len()];
                writeln!(kept, "{number} |{source}").unwrap();
            }
            None => writeln!(kept, "{}", line.trim_end()).unwrap(),
        }
    }
    let mut text = kept.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The lines that only one of both has.
fn difference(before: &str, now: &str) -> String {
    let mut shown = String::new();
    for line in before.lines().filter(|line| !now.lines().any(|other| other == *line)) {
        writeln!(shown, "- {line}").unwrap();
    }
    for line in now.lines().filter(|line| !before.lines().any(|other| other == *line)) {
        writeln!(shown, "+ {line}").unwrap();
    }
    shown
}
