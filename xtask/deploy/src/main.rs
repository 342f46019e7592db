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
//! - `resources`: what a deployed stack consists of; `outputs`: what it says about itself.
//! - `drift`, `logs`, `invoke`, `errors`, `secrets`: what an operator asks of it.
//! - `operations`: what was done to it, from its events; `diagnose` says why that failed, `timeline` what it waited for.
//! - `hotswap`: new code for its functions, past CloudFormation.
//!
//! **Invariants.** Knows neither this project's stack nor its environments. Results go to standard output, all else to
//! standard error.

mod aws;
mod colour;
mod confirm;
mod diagnose;
mod drift;
mod errors;
mod failure;
mod hotswap;
mod invoke;
mod logs;
mod operations;
mod outputs;
mod resources;
mod secrets;
mod target;
mod text;
mod timeline;

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
    /// Show where the resources are no longer as the template has them
    Drift,
    /// Print what the functions say
    Logs(logs::Logs),
    /// Invoke a function
    Invoke(invoke::Invoke),
    /// The events that failed
    #[command(subcommand)]
    Errors(errors::Errors),
    /// PayPal's client id and secret
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Say why the last deployment failed
    Diagnose(diagnose::Diagnose),
    /// Show how the last deployment went in time
    Timeline(timeline::Options),
    /// Give functions new code, past CloudFormation
    Hotswap(hotswap::Hotswap),
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
    let target = Target::resolve(&cli.target).await?;
    match &cli.command {
        Command::Outputs => outputs::run(&target, cli.format).await,
        Command::Drift => drift::run(&target, cli.format).await,
        Command::Logs(options) => logs::run(&target, cli.format, options).await,
        Command::Invoke(options) => invoke::run(&target, cli.format, options).await,
        Command::Errors(command) => errors::run(&target, cli.format, command).await,
        Command::Secrets(command) => secrets::run(&target, cli.format, command).await,
        Command::Diagnose(options) => diagnose::run(&target, cli.format, options).await,
        Command::Timeline(options) => timeline::run(&target, cli.format, options).await,
        Command::Hotswap(options) => hotswap::run(&target, cli.format, options).await,
    }
}
