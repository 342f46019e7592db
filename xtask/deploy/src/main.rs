//! What speaks to AWS.
//!
//! The SDKs are the slowest part of the whole build, so they live in a program of their own, which `cargo xtask` builds and
//! starts when a command first needs AWS; `cargo xtask local` never waits for them. It is told by its arguments what the
//! environment file says: the stack's name, the account, the region.
//!
//! - `target`: which account and region, with whose credentials; refuses an account that the environment does not name.
//! - `aws`: a client for each service, and how calls are tried again.
//! - `calls`: limits and reports of every call; `heartbeat`: what is waited for, so that no command is silent.
//! - `failure`: what AWS's errors mean.
//! - `text`: what goes to standard output.
//! - `outputs`: what a deployed stack says about itself.
//! - `doctor`: what lacks for deploying.
//! - `target`, `aws`, `identity`: which account and region, with whose credentials; the clients.
//! - `ship`: `deploy` and `plan`. `source` is what is deployed, `bootstrap` and `artifacts` the bucket of the zips,
//!   `change_set` and `review` what CloudFormation would do, `differences` our own comparison, `plan_file` a plan.
//! - `verify`: a change set before it is executed, and each function's code after it.
//! - `guard`, `triggers`: what must not happen by accident, and alarms that undo a deployment.
//! - `states`, `recover`: what comes next, for every state that a stack can be in.
//! - `follow`, `events`, `progress`, `view`, `tree`: an operation, followed and shown.
//! - `run`, `terminal`: questions, Ctrl-C, and what a run must not leave behind.
//! - `foresee`: what CloudFormation would do, asked by reviews, which change nothing.
//! - `status`, `deployed`, `outputs`, `destroy`: the other commands.
//! - `failure`, `text`: what AWS's errors mean, and what goes to standard output.
//! - `resources`: what a deployed stack consists of.
//! - `drift`, `logs`, `invoke`, `errors`, `secrets`: what an operator asks of it.
//! - `operations`: what was done to it, from its events; `diagnose` says why that failed, `timeline` what it waited for.
//! - `hotswap`: new code for its functions, past CloudFormation.
//!
//! **Invariants.** Knows neither this project's stack nor its environments. Results go to standard output, all else to
//! standard error.

/// Prints a line for people to standard error. What a program reads goes to standard output.
macro_rules! note {
    ($($text:tt)*) => {{
        $crate::tree::make_room();
        eprintln!($($text)*);
        $crate::heartbeat::printed();
    }};
}

mod artifacts;
mod aws;
mod bootstrap;
mod calls;
mod change_set;
mod change_set_text;
mod colour;
mod deployed;
mod destroy;
mod diagnose;
mod differences;
mod doctor;
mod drift;
mod errors;
mod events;
mod failure;
mod files;
mod follow;
mod foresee;
mod guard;
mod heartbeat;
mod hotswap;
mod identity;
mod invoke;
mod logs;
mod operations;
mod outputs;
mod plan_file;
mod progress;
mod recover;
mod report;
mod resources;
mod run;
mod secrets;
mod ship;
mod source;
mod stack;
mod states;
mod status;
mod target;
mod terminal;
mod text;
mod timeline;
mod tree;
mod triggers;
mod verify;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use destroy::DestroyOptions;
use failure::Failure;
use identity::{token, who};
use ship::{DeployOptions, PlanOptions};
use status::StatusOptions;
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
    /// Make the stack as the template says
    Deploy(DeployOptions),
    /// Show what a deployment would do, and keep it for later
    Plan(PlanOptions),
    /// Delete the stack
    Destroy(DestroyOptions),
    /// Say how the stack is
    Status(StatusOptions),
    /// Print the outputs of the stack
    Outputs,
    /// Say what lacks for deploying, as JSON
    Doctor(doctor::Options),
    /// Print what runs, as JSON
    Deployed,
    /// Say what CloudFormation would do, as JSON, and leave nothing of the question behind
    Foresee(foresee::Options),
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
    heartbeat::start();
    match run(&cli).await {
        Ok(code) => code,
        Err(failure) => {
            note!("{failure}");
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
        Command::Deploy(options) => ship::deploy(&target, options, cli.format).await,
        Command::Plan(options) => ship::plan(&target, options, cli.format).await,
        Command::Destroy(options) => destroy::run(&target, options, cli.format).await,
        Command::Status(options) => status::run(&target, options, cli.format).await,
        Command::Outputs => outputs::run(&target, cli.format).await,
        Command::Doctor(options) => doctor::run(&cli.target, options).await,
        Command::Deployed => deployed::run(&target).await,
        Command::Foresee(options) => foresee::run(&target, options, cli.format).await,
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
