//! `test`: everything that must pass, all of it even when a step fails.
//!
//! Two lanes run side by side: what cargo compiles and runs, and what Python's programs install and look at. The tests wait
//! for both, since they use what is installed.

pub mod python;

use std::{
    num::NonZero,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use crate::{cargo, cli::Test, context::Context, report::Failure};

struct Step {
    name: &'static str,
    run: fn(&Context) -> Result<(), Failure>,
}

/// The step that a machine without a browser cannot do.
const BROWSER: &str = "console, in a browser";
/// The end of the names of its tests.
const IN_A_BROWSER: &str = "in_a_browser";

/// Environment variables that name folders of third parties' data. Tests that need it are ignored without it.
const DATA: [&str; 3] = ["CAPTURED_DELIVERIES", "PAYPAL_DOCUMENTS", "TEMPLATE_SAMPLES"];

/// Cargo works on one folder, so its steps come one after the other.
const COMPILED: &[Step] = &[
    Step { name: "formatting", run: |context| run_cargo(context, &["fmt", "--all", "--check"]) },
    // All at once: what lints find does not depend on features, and dependencies are looked at once only.
    Step { name: "clippy", run: clippy },
    // Functions and programs too: those that tests start.
    Step { name: "compile, tests", run: |context| run_cargo(context, &["test", "--workspace", "--no-run"]) },
];

const INSTALLED: &[Step] = &[
    Step { name: "python", run: python::set_up },
    Step { name: "cfn-lint, templates", run: python::lint_templates },
    Step { name: "zizmor, workflows", run: python::lint_workflows },
    Step { name: "cargo-deny, dependencies", run: python::check_dependencies },
    Step { name: "emulators of others", run: python::set_up_emulators },
    Step { name: "schemathesis", run: python::set_up_schemathesis },
    Step { name: "checkov, templates", run: python::check_templates },
];

/// Steps that need both lanes.
const TESTS: &[Step] = &[Step { name: "tests", run: tests }, Step { name: BROWSER, run: in_a_browser }];

/// A step that was run: its name, its seconds, and whether it passed.
struct Ran {
    name: &'static str,
    seconds: u64,
    passed: bool,
}

pub(crate) fn run(context: &Context, options: &Test) -> Result<(), Failure> {
    let chosen = |step: &&Step| {
        !(options.no_browser && step.name == BROWSER)
            && options.only.as_ref().is_none_or(|only| step.name.contains(only.as_str()))
    };
    let lane = |steps: &'static [Step]| steps.iter().filter(chosen).map(|step| run_step(context, step)).collect();
    let (mut ran, installed): (Vec<Ran>, Vec<Ran>) = thread::scope(|scope| {
        let installed = scope.spawn(|| lane(INSTALLED));
        let compiled = lane(COMPILED);
        let installed = installed.join().map_err(|_panic| Failure::new("a step of Python's programs panicked"));
        installed.map(|installed| (compiled, installed))
    })?;
    ran.extend(installed);
    ran.extend(lane(TESTS));
    println!();
    for Ran { name, seconds, .. } in ran.iter().filter(|step| step.passed) {
        println!("passed  {name} ({seconds} s)");
    }
    for Ran { name, seconds, .. } in ran.iter().filter(|step| !step.passed) {
        println!("FAILED  {name} ({seconds} s)");
    }
    let failed = ran.iter().filter(|step| !step.passed).count();
    println!("{} passed, {failed} failed", ran.len() - failed);
    match (ran.len(), failed) {
        (0, _) => Err(Failure::new("no step has such a name").help("cargo xtask test runs all of them")),
        (_, 0) => Ok(()),
        (_, failed) => Err(Failure::new(format!("{failed} of the steps failed"))),
    }
}

fn run_step(context: &Context, step: &Step) -> Ran {
    context.progress(&format!("\n== {}", step.name));
    let since = Instant::now();
    let result = (step.run)(context);
    let seconds = since.elapsed().as_secs();
    if let Err(failure) = &result {
        crate::report::failure(failure);
    }
    context.progress(&format!(
        "== {}: {} after {seconds} s",
        step.name,
        if result.is_ok() { "passed" } else { "FAILED" }
    ));
    Ran { name: step.name, seconds, passed: result.is_ok() }
}

fn clippy(context: &Context) -> Result<(), Failure> {
    run_cargo(context, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn tests(context: &Context) -> Result<(), Failure> {
    // Most of them wait most of the time, for processes and for times to run out.
    let threads = (2 * thread::available_parallelism().map_or(1, NonZero::get)).to_string();
    let missing: Vec<_> = DATA.into_iter().filter(|name| std::env::var_os(name).is_none()).collect();
    let ignored = missing.is_empty().then_some("--include-ignored");
    if ignored.is_none() {
        context.progress(&format!("tests that need data are ignored: {} is not set", missing.join(", ")));
    }
    let tests = ["--", "--skip", IN_A_BROWSER, "--test-threads", threads.as_str()];
    let tests: Vec<_> = tests.into_iter().chain(ignored).collect();
    run_cargo(context, &[&["test", "--workspace", "--no-fail-fast"], &tests[..]].concat())
}

fn in_a_browser(context: &Context) -> Result<(), Failure> {
    python::set_up_browser(context)?;
    // Among all packages, as above: alone it would be compiled again, with other features.
    run_cargo(context, &["test", "--workspace", "--test", "it", IN_A_BROWSER])
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
