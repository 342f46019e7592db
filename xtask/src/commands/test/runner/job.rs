//! One process of tests: how it starts, and what its output says.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use super::Program;

/// One test, or all unit tests of a program.
pub(super) struct Job {
    /// Such as `deploy::kills::two_updates_at_once_come_to_one_end`, or `deploy, unit tests`.
    pub(super) name: String,
    program: Program,
    test: Option<String>,
}

/// What became of a job.
pub(super) struct Outcome {
    pub(super) passed: u64,
    /// The names of ignored tests, each with its reason.
    pub(super) ignored: Vec<String>,
    /// Why it failed.
    pub(super) failure: Option<String>,
}

impl Job {
    /// All tests of a program.
    pub(super) fn all_of(program: Program) -> Self {
        let stem = program.executable.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let target = stem.rsplit_once('-').map_or(stem.as_str(), |(target, _hash)| target);
        Self { name: format!("{}, unit tests of {target}", program.package), test: None, program }
    }

    /// One test of a program.
    pub(super) fn one(program: &Program, test: String) -> Self {
        Self { name: format!("{}::{test}", program.package), test: Some(test), program: program.clone() }
    }

    /// The command that runs it, as cargo would, in a process group of its own.
    pub(super) fn command(
        &self,
        root: &Path,
        include_ignored: bool,
        environment: &[(&'static str, OsString)],
    ) -> Command {
        let mut command = Command::new(&self.program.executable);
        if let Some(test) = &self.test {
            command.args(["--exact", test]);
        }
        if include_ignored {
            command.arg("--include-ignored");
        }
        command.current_dir(&self.program.folder).stdin(Stdio::null()).process_group(0);
        command.env("CARGO_MANIFEST_DIR", &self.program.folder).env("CARGO_PKG_NAME", &self.program.package);
        // Snapshots are found from here; cargo would be asked for it once a test.
        command.env("INSTA_WORKSPACE_ROOT", root);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Reads the summary that the process printed. A process without one, or without the test, has failed.
    pub(super) fn outcome(&self, status: ExitStatus, output: &str) -> Outcome {
        let ignored = output.lines().filter_map(ignored).map(|test| format!("{}::{test}", self.program.package));
        let ignored: Vec<_> = ignored.collect();
        let summary = output.lines().rev().find_map(|line| line.strip_prefix("test result: "));
        let count = |what: &str| {
            let before = summary?.split(what).next()?;
            before
                .rsplit(|letter: char| !letter.is_ascii_digit())
                .find(|digits| !digits.is_empty())?
                .parse::<u64>()
                .ok()
        };
        let passed = count(" passed").unwrap_or(0);
        let ran = passed + u64::try_from(ignored.len()).unwrap_or(u64::MAX);
        let failure = match (summary, status.success()) {
            (None, _) => Some(format!("ended with {status} before all tests were done")),
            (Some(_), false) => Some(format!("ended with {status}")),
            (Some(_), true) if self.test.is_some() && ran != 1 => Some(format!("ran {ran} tests in place of 1")),
            (Some(_), true) => None,
        };
        Outcome { passed, ignored, failure }
    }
}

/// The test that a line says is ignored, and why.
fn ignored(line: &str) -> Option<String> {
    let (test, reason) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    Some(match reason.strip_prefix(", ") {
        Some(reason) => format!("{test}: {reason}"),
        None => test.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn job(test: Option<&str>) -> Job {
        let program =
            Program { package: "cfn".into(), folder: "/".into(), executable: "/it-0a".into(), has_unit_tests: false };
        match test {
            Some(test) => Job::one(&program, test.to_owned()),
            None => Job::all_of(program),
        }
    }

    fn done() -> ExitStatus {
        ExitStatus::from_raw(0)
    }

    #[test]
    fn summary_of_a_program_is_counted() {
        let output = "test a ... ok\ntest b ... ignored, DATA is not set\n\n\
                      test result: ok. 41 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        let outcome = job(None).outcome(done(), output);
        assert_eq!((outcome.passed, outcome.failure), (41, None));
        assert_eq!(outcome.ignored, ["cfn::b: DATA is not set"]);
    }

    #[test]
    fn test_that_is_gone_has_failed() {
        let output = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.0s\n";
        assert_eq!(job(Some("a")).outcome(done(), output).failure.unwrap(), "ran 0 tests in place of 1");
    }

    #[test]
    fn process_without_a_summary_has_failed_whatever_its_status() {
        assert_eq!(
            job(Some("a")).outcome(done(), "running 1 test\n").failure.unwrap(),
            "ended with exit status: 0 before all tests were done"
        );
        let killed = job(None).outcome(ExitStatus::from_raw(9), "");
        assert!(killed.failure.unwrap().contains("signal: 9"));
    }

    #[test]
    fn status_counts_where_the_summary_says_ok() {
        let output = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s\n";
        assert!(job(Some("a")).outcome(ExitStatus::from_raw(256), output).failure.is_some());
        assert!(job(Some("a")).outcome(done(), output).failure.is_none());
    }
}
