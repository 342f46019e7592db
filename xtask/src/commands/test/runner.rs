//! Runs the tests of all packages: several at once, whatever program they are in, each with a deadline.
//!
//! Each end-to-end test is a process of its own in a process group of its own, so that one which does not end is killed with
//! everything it started, and reported with what it printed. The unit tests of one program share a process: there are many,
//! they are short, and they start nothing.

mod job;
mod schedule;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde::Deserialize;

use self::job::Job;
use crate::{cargo, context::Context, report::Failure};

/// What one test may take. The longest takes a quarter of it on two idle processors.
const DEADLINE: Duration = Duration::from_secs(600);

/// Which tests run.
#[derive(Clone, Copy)]
pub(super) enum Chosen<'a> {
    /// All but those whose name ends in this.
    AllBut(&'a str),
    /// Those whose name ends in this.
    Only(&'a str),
    /// The unit tests of these packages.
    UnitsOf(&'a [String]),
}

impl Chosen<'_> {
    fn has_units(self, package: &str) -> bool {
        match self {
            Self::AllBut(_) => true,
            Self::Only(_) => false,
            Self::UnitsOf(packages) => packages.iter().any(|chosen| chosen == package),
        }
    }

    fn has(self, test: &str) -> bool {
        match self {
            Self::AllBut(end) => !test.ends_with(end),
            Self::Only(end) => test.ends_with(end),
            Self::UnitsOf(_) => false,
        }
    }
}

/// Runs the tests of the workspace.
///
/// `include_ignored` runs tests that are ignored because they need data. `environment` is set for each test.
///
/// # Errors
///
/// Tests do not compile, a test fails or does not end within 10 minutes, or no test was chosen.
pub(super) fn run(
    context: &Context,
    chosen: Chosen<'_>,
    include_ignored: bool,
    environment: &[(&'static str, OsString)],
) -> Result<(), Failure> {
    let mut jobs = Vec::new();
    for program in programs(context, environment)? {
        if program.has_unit_tests {
            if chosen.has_units(&program.package) {
                jobs.push(Job::all_of(program));
            }
        } else {
            jobs.extend(
                tests_of(&program)?.into_iter().filter(|test| chosen.has(test)).map(|test| Job::one(&program, test)),
            );
        }
    }
    if jobs.is_empty() {
        return Err(Failure::new("no test was chosen"));
    }
    let times = context.root.join("target/test-seconds.json");
    // The longest first, so that none of them is still running when everything else is done. A new test may be long, and
    // before a first run, or without what it wrote, all are new.
    let mut known: BTreeMap<String, f64> =
        fs::read(&times).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let seconds = |job: &Job| known.get(&job.name).copied().unwrap_or(f64::MAX);
    jobs.sort_by(|one, other| seconds(other).total_cmp(&seconds(one)));
    let ran = schedule::run(context, jobs, |job| job.command(&context.root, include_ignored, environment))?;
    known.extend(ran.seconds);
    // Only the order of the next run depends on it.
    let _not_kept = serde_json::to_vec_pretty(&known).map(|text| fs::write(&times, text));
    for ignored in &ran.ignored {
        println!("ignored  {ignored}");
    }
    for failed in &ran.failed {
        println!("FAILED   {failed}");
    }
    println!("{} tests passed, {} failed, {} ignored", ran.passed, ran.failed.len(), ran.ignored.len());
    match ran.failed.len() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("{failed} tests failed, or programs of tests"))),
    }
}

/// A compiled program of tests.
#[derive(Clone)]
pub(super) struct Program {
    package: String,
    /// The package's folder, in which cargo starts tests.
    folder: PathBuf,
    executable: PathBuf,
    /// Of a library or a program, and not of `tests/`.
    has_unit_tests: bool,
}

/// What cargo says of something that it built.
#[derive(Deserialize)]
struct Built {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    manifest_path: PathBuf,
    executable: Option<PathBuf>,
    profile: Option<Profile>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// Compiles the tests of all packages at once: of fewer, features would differ, and much would be compiled again. So it
/// would in another environment than that of the step before.
fn programs(context: &Context, environment: &[(&'static str, OsString)]) -> Result<Vec<Program>, Failure> {
    let mut command = Command::new(cargo::program());
    command.args(["test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"]);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(&context.root).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(Failure::from("cannot start cargo"))?;
    if !output.status.success() {
        return Err(Failure::new("the tests do not compile"));
    }
    let mut programs = Vec::new();
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let built: Result<Vec<Built>, _> = lines.map(serde_json::from_slice).collect();
    let built = built.map_err(Failure::from("cannot read what cargo printed"))?;
    let twice = compiled_twice(&built);
    if !twice.is_empty() {
        let twice = format!("dependencies are compiled more than once:\n  {}", twice.join("\n  "));
        return Err(Failure::new(twice).help("ask for the features that tests add in the ordinary dependencies too"));
    }
    for built in built {
        let of_tests = built.reason == "compiler-artifact" && built.profile.is_some_and(|profile| profile.test);
        let (true, Some(executable), Some(target)) = (of_tests, built.executable, built.target) else { continue };
        let folder = built.manifest_path.parent().unwrap_or(Path::new("")).to_owned();
        let package = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let has_unit_tests = target.kind.iter().all(|kind| kind != "test");
        programs.push(Program { package, folder, executable, has_unit_tests });
    }
    Ok(programs)
}

/// What build scripts and macros ask `libc` for differs from what programs do, and it is small.
const TWICE_IS_FINE: &str = "libc";

/// The libraries of others that cargo compiled in several variants, with the features of each.
fn compiled_twice(built: &[Built]) -> Vec<String> {
    let mut variants: BTreeMap<&str, BTreeMap<&[PathBuf], &[String]>> = BTreeMap::new();
    for artifact in built {
        let is_library = artifact.target.as_ref().is_some_and(|target| {
            target.kind.iter().any(|kind| ["lib", "rlib", "proc-macro"].contains(&kind.as_str()))
        });
        if is_library && artifact.package_id.starts_with("registry+") {
            variants.entry(&artifact.package_id).or_default().insert(&artifact.filenames, &artifact.features);
        }
    }
    let name = |package: &str| package.rsplit('#').next().unwrap_or(package).to_owned();
    variants
        .into_iter()
        .filter(|(package, variants)| variants.len() > 1 && !name(package).starts_with(TWICE_IS_FINE))
        .map(|(package, variants)| {
            let features: Vec<_> = variants.values().map(|features| format!("[{}]", features.join(", "))).collect();
            format!("{} with {}", name(package), features.join(" and with "))
        })
        .collect()
}

/// The names of a program's tests.
fn tests_of(program: &Program) -> Result<Vec<String>, Failure> {
    let shown = program.executable.display();
    let mut command = Command::new(&program.executable);
    command.args(["--list", "--format", "terse"]).current_dir(&program.folder).stdin(Stdio::null());
    let output = command.output().map_err(Failure::from(format!("cannot start {shown}")))?;
    let text = String::from_utf8(output.stdout).map_err(Failure::from(format!("cannot read the tests of {shown}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("cannot list the tests of {shown}: it ended with {}", output.status)));
    }
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(package: &str, file: &str, features: &[&str]) -> Built {
        let text = serde_json::json!({
            "reason": "compiler-artifact", "package_id": package, "features": features, "filenames": [file],
            "target": { "kind": ["lib"] },
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn dependency_in_two_variants_is_named_with_the_features_of_each() {
        let tokio = "registry+https://github.com/rust-lang/crates.io-index#tokio@1.48.0";
        let built = [
            artifact(tokio, "/libtokio-1.rlib", &["net"]),
            artifact(tokio, "/libtokio-2.rlib", &["net", "test-util"]),
            artifact(tokio, "/libtokio-1.rlib", &["net"]),
            artifact("path+file:///infra#0.0.0", "/libinfra-1.rlib", &[]),
            artifact("path+file:///infra#0.0.0", "/libinfra-2.rlib", &[]),
        ];
        assert_eq!(compiled_twice(&built), ["tokio@1.48.0 with [net] and with [net, test-util]"]);
        assert!(compiled_twice(&built[2..]).is_empty());
    }
}
