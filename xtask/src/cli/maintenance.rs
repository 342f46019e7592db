//! The maintainers' commands: their options are read here and by the program `maintenance`, which does them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The environment variable that names the program `xtask` to the program `maintenance`.
pub const PROGRAM: &str = "XTASK";

/// Format of a report.
#[derive(Clone, Copy, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// The options of `bench`.
#[derive(Args)]
pub struct Bench {
    /// Run only the measurements whose name contains this
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
}

/// The options of `soak`.
#[derive(Args)]
pub struct Soak {
    /// How many webhooks are delivered, repeats and forgeries among them
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub webhooks: u32,
    /// What decides all that is random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// The folder of the functions' binaries, instead of building the handlers
    #[arg(long, value_name = "DIR")]
    pub binaries: Option<PathBuf>,
    /// How the audit is written
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
