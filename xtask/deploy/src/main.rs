//! What speaks to AWS.
//!
//! The SDKs are the slowest part of the whole build, so they live in a program of their own, which `cargo xtask` builds and
//! starts when a command first needs AWS; `cargo xtask local` never waits for them. It is told by its arguments what the
//! environment file says: the stack's name, the account, the region.
//!
//! - `target`: which account and region, with whose credentials; refuses an account that the environment does not name.
//! - `aws`: a client for each service, and how calls are tried again.
//! - `failure`: what AWS's errors mean.
//! - `text`: what goes to standard output.
//! - `outputs`: what a deployed stack says about itself.
//! - `doctor`: what lacks for deploying.
//!
//! **Invariants.** Knows neither this project's stack nor its environments. Results go to standard output, all else to
//! standard error.

mod aws;
mod doctor;
mod failure;
mod outputs;
mod target;
mod text;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use failure::Failure;
use target::{Target, TargetOptions};

#[derive(Parser)]
#[command(name = "deploy", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: TargetOptions,
    /// How results are written
    #[arg(long, value_enum, global = true, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Subcommand)]
enum Command {
    /// Print the outputs of the stack
    Outputs,
    /// Say what lacks for deploying, as JSON
    Doctor(doctor::Options),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli).await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    if let Command::Doctor(options) = &cli.command {
        // Without credentials too.
        return doctor::run(&cli.target, options).await;
    }
    let target = Target::resolve(&cli.target).await?;
    match &cli.command {
        Command::Outputs => outputs::run(&target, cli.format).await,
        Command::Doctor(options) => doctor::run(&cli.target, options).await,
    }
}
