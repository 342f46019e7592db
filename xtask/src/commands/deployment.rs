//! Commands that speak to AWS: they are done by the program `deploy`, which is built when it is first needed.

use std::{os::unix::process::CommandExt, process::Command};

use crate::{
    cargo,
    cli::{Aws, OutputFormat},
    context::Context,
    report::Failure,
};

/// Builds the program and becomes it, so that signals and its exit code are its own.
pub(crate) fn run(context: &Context, command: &str, aws: &Aws, format: OutputFormat) -> Result<(), Failure> {
    let mut program = program(context, command, aws)?;
    let error = program.args(["--format", format.as_str()]).exec();
    Err(Failure::new(format!("cannot start {}: {error}", program.get_program().display())))
}

/// Builds the program; its call for an environment, without the format.
pub(crate) fn program(context: &Context, command: &str, aws: &Aws) -> Result<Command, Failure> {
    let environment = context.environment(&aws.env)?;
    let built = cargo::build(context, "deploy")?;
    let executable = built.first().ok_or_else(|| Failure::new("deploy has no binary"))?;
    let mut program = Command::new(executable);
    program.arg(command).args(["--stack", &format!("{}-{}", environment.service, environment.name)]);
    program.args(["--env", &environment.name, "--account", &environment.account]);
    program.args(["--region", aws.region.as_ref().unwrap_or(&environment.region)]);
    for (name, value) in [("--endpoint-url", &aws.endpoint_url), ("--profile", &aws.profile)] {
        program.args(value.iter().flat_map(|value| [name, value.as_str()]));
    }
    Ok(program)
}
