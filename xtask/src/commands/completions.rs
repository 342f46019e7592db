//! `completions`: what completes this command line in a shell.

use clap::CommandFactory;
use clap_complete::generate;

use crate::{
    cli::{Cli, Completions},
    report::{Failure, print},
};

/// The program's file, which is what shells complete.
const PROGRAM: &str = "xtask";

pub(crate) fn run(options: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), PROGRAM, &mut script);
    print(script)
}
