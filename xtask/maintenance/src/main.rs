//! The maintainers' tools: benchmarks, the soak and the generator of resource types.
//!
//! A program of its own, which `cargo xtask bench`, `soak` and `codegen` build on first use: it is half as large as the
//! command line, and nobody who runs the service needs it. It measures and drives the command line from outside, by the
//! program that `XTASK` names.

mod bench;
mod codegen;
mod ports;
mod processes;
mod running;
mod soak;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use xtask::{
    cli::{Bench, PROGRAM, Soak},
    context::Context,
    report::{self, Failure},
};

/// The maintainers' commands of `cargo xtask`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say less: only errors
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    Bench(Bench),
    Soak(Soak),
    Codegen,
}

fn main() -> ExitCode {
    xtask::end_on_interrupt();
    let arguments = Arguments::parse();
    let done = Context::resolve(arguments.quiet).and_then(|context| match &arguments.command {
        Command::Bench(options) => bench::run(&context, options),
        Command::Soak(options) => soak::run(&context, options),
        Command::Codegen => codegen::run(&context),
    });
    report::exit_code(done)
}

/// The command line's program, which is measured and driven.
///
/// # Errors
///
/// `XTASK` does not name it: this program was not started by `cargo xtask`.
fn xtask_program() -> Result<PathBuf, Failure> {
    let program = std::env::var_os(PROGRAM).map(PathBuf::from);
    program.ok_or_else(|| {
        Failure::new(format!("{PROGRAM} does not name the command line's program"))
            .help("start this as `cargo xtask bench`, `cargo xtask soak` or `cargo xtask codegen`")
    })
}
