//! `cargo xtask`: builds, reviews, ships and runs the service.
//!
//! Public items serve the maintainers' tools, which are a program of their own: `maintenance`.

mod addresses;
pub mod cargo;
pub mod cli;
pub mod commands;
pub mod context;
mod links;
pub mod report;
mod templates;

use std::{
    process::ExitCode,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Parser;
use signal_hook::{
    consts::{SIGINT, SIGQUIT},
    flag,
};

use cli::{Aws, Cli, Command, Event};
use context::Context;

/// Runs the command that the arguments name. Exit codes: 0 done, 1 failed, 2 wrong call (clap's own); some commands have
/// more.
pub fn run() -> ExitCode {
    end_on_interrupt();
    let cli = Cli::parse();
    report::exit_code(Context::resolve(cli.quiet).and_then(|context| {
        let deployed = |aws: &Aws, format, words| commands::deployment::run(&context, aws, format, words);
        match &cli.command {
            Command::Synth(options) => commands::synth::run(&context, options),
            Command::Build(options) => commands::build::run(&context, options),
            Command::Plan(options) => commands::deployment::plan(&context, options),
            Command::Deploy(options) => commands::deployment::deploy(&context, options),
            Command::Destroy(options) => commands::deployment::destroy(&context, options),
            Command::Status(options) => commands::deployment::status(&context, options),
            Command::Doctor(options) => commands::doctor::run(&context, options),
            Command::Completions(options) => commands::completions::run(options),
            Command::Validate(options) => commands::validate::run(&context, options),
            Command::Diff(options) => commands::diff::run(&context, options),
            Command::Diagram(options) => commands::diagram::run(&context, options),
            Command::Local(options) => commands::local::run(&context, options),
            Command::Event(Event::Verify(options)) => commands::event::verify_captured(&context, options),
            Command::Event(Event::New(options)) => commands::event::sandbox::new(&context, options),
            Command::Event(Event::Send(options)) => commands::event::sandbox::send(&context, options),
            Command::Outputs(options) => deployed(&options.aws, options.format, vec!["outputs".into()]),
            Command::Drift(options) => deployed(&options.aws, options.format, vec!["drift".into()]),
            Command::Logs(options) => deployed(&options.aws, options.format, options.words()),
            Command::Invoke(options) => deployed(&options.aws.aws(), options.format, options.words()),
            Command::Errors(options) => deployed(&options.common().aws, options.common().format, options.words()),
            Command::Secrets(options) => deployed(&options.common().aws, options.common().format, options.words()),
            Command::Diagnose(options) => commands::deployment::diagnose(&context, options),
            Command::Timeline(options) => deployed(&options.aws, options.format, options.words()),
            Command::Bench(_) | Command::Soak(_) | Command::Codegen => commands::maintenance::run(&context),
            Command::Test(options) => commands::test::run(&context, options),
        }
    }))
}

/// Lets SIGINT and SIGQUIT end this program and all that it starts, however it was started itself.
///
/// A shell without job control ignores both signals in what it starts in the background (`nohup cargo xtask test &`), and
/// programs hand that on to their children. A handler is not handed on: a child starts with the default action. The handler
/// here does what the default action does, until [`stops_by_itself`] is called.
pub fn end_on_interrupt() {
    for signal in [SIGINT, SIGQUIT] {
        // Refused only where the system has no such signal; then there is nothing to end on.
        let _refused = flag::register_conditional_default(signal, Arc::clone(&ENDS));
    }
}

/// True while SIGINT and SIGQUIT end this program at once.
static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Leaves SIGINT and SIGQUIT to a command that listens for them itself, as `local` does to stop what it started.
pub(crate) fn stops_by_itself() {
    ENDS.store(false, Ordering::Relaxed);
}
