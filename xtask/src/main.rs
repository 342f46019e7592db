//! `cargo xtask`: builds, reviews, ships and runs the service.

mod addresses;
mod cargo;
mod cli;
mod commands;
mod context;
mod links;
mod ports;
mod report;
mod templates;

use std::process::ExitCode;

use clap::Parser;

use cli::{Aws, Cli, Command, Event};
use context::Context;

/// `local` makes and frees a hundred small things for each request, and keeps what happened for a while: with the system's
/// allocator, a sixth of its time goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes: 0 done, 1 failed, 2 wrong call (clap's own); some commands have more.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Context::resolve(&cli).and_then(|context| {
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
            Command::Codegen => commands::codegen::run(&context),
            Command::Validate(options) => commands::validate::run(&context, options),
            Command::Diff(options) => commands::diff::run(&context, options),
            Command::Diagram(options) => commands::diagram::run(&context, options),
            Command::Local(options) => commands::local::run(&context, options),
            Command::Bench(options) => commands::bench::run(&context, options),
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
            Command::Soak(options) => commands::soak::run(&context, options),
            Command::Test(options) => commands::test::run(&context, options),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::FAILURE
        }
    }
}
