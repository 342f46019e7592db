//! `test`: everything that must pass, all of it even when a step fails.
//!
//! Two lanes run side by side: what cargo compiles and runs, and what Python's programs install and look at. The tests wait
//! for both, since they use what is installed.

mod fast;
pub mod python;
mod runner;

use std::{
    ffi::OsString,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use self::runner::Chosen;
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
    Step { name: "clippy, and compilation of tests", run: compile },
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
    if options.fast {
        return fast::run(context);
    }
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

/// Compiles everything, tests, functions and programs too, and has clippy look at it meanwhile.
///
/// `cargo clippy` would check all dependencies once more, in a form that nothing runs. Clippy as the compiler of this
/// workspace's packages, which is how `cargo clippy` itself calls it, takes the dependencies that the tests are linked with.
fn compile(context: &Context) -> Result<(), Failure> {
    run_cargo(context, &["test", "--workspace", "--no-run"])
}

fn tests(context: &Context) -> Result<(), Failure> {
    let missing: Vec<_> = DATA.into_iter().filter(|name| std::env::var_os(name).is_none()).collect();
    if !missing.is_empty() {
        context.progress(&format!("tests that need data are ignored: {} is not set", missing.join(", ")));
    }
    runner::run(context, Chosen::AllBut(IN_A_BROWSER), missing.is_empty(), &environment(context))
}

fn in_a_browser(context: &Context) -> Result<(), Failure> {
    python::set_up_browser(context)?;
    runner::run(context, Chosen::Only(IN_A_BROWSER), false, &environment(context))
}

fn run_cargo(context: &Context, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(cargo::program());
    command.args(arguments).current_dir(&context.root).env("CARGO_TERM_COLOR", "auto").envs(environment(context));
    run_to_end(command)
}

/// What cargo and the tests are told: where programs of others are, and that clippy compiles this workspace's packages.
///
/// Tests that start cargo hand it on, so that they find what is built.
fn environment(context: &Context) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver".into()),
        ("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__".into()),
        ("CARGO", cargo::program()),
        ("XTASK_PYTHON", python::interpreter(context).into()),
        ("XTASK_EMULATOR", python::emulator(context).into()),
        ("XTASK_DEPLOY", context.root.join("target/debug/deploy").into()),
        ("XTASK_SCHEMATHESIS", python::schemathesis(context).into()),
        ("XTASK_BROWSER_DRIVER", python::browser_driver(context).into()),
        ("XTASK_EMULATORS", python::emulators(context).into()),
        ("XTASK_MOTO", python::moto(context).into()),
    ];
    // The step that needs one says how to mend it when there is none.
    if let Ok(browser) = python::browser() {
        variables.push(("XTASK_BROWSER", browser.into()));
    }
    variables
}

/// Runs a command, its output to the terminal; fails when it does.
fn run_to_end(mut command: Command) -> Result<(), Failure> {
    let words = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let program = command.get_program().to_string_lossy().into_owned();
    let shown = std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ");
    let status = command.stdin(Stdio::null()).status().map_err(Failure::from(format!("cannot start {shown}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{shown} ended with {status}"))) }
}
