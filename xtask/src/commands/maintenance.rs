//! `bench`, `soak` and `codegen`: the program `maintenance` does them, which is built when it is first needed.

use std::{os::unix::process::CommandExt, process::Command};

use crate::{cargo, cli::PROGRAM, context::Context, report::Failure};

/// Builds the program and becomes it, with the arguments that this one was called with.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let own = std::env::current_exe().map_err(Failure::from("cannot find this program's own file"))?;
    let program = cargo::build(context, "maintenance")?;
    let error = Command::new(&program).args(std::env::args_os().skip(1)).env(PROGRAM, own).exec();
    Err(Failure::new(format!("cannot start {}: {error}", program.display())))
}
