//! Commands that speak to AWS: they are done by the program `deploy`, which is built when it is first needed.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

use crate::{
    addresses, cargo,
    cli::{Aws, Diagnose, LOCAL, OutputFormat},
    context::{Context, write_whole},
    report::Failure,
};

/// Builds the program and becomes it, so that signals and its exit code are its own.
pub(crate) fn run(context: &Context, aws: &Aws, format: OutputFormat, words: Vec<OsString>) -> Result<(), Failure> {
    let environment = context.environment(&aws.env)?;
    // Before anything is built: where nothing runs, there is nothing to build for.
    let endpoint_url = match &aws.endpoint_url {
        None if aws.env == LOCAL => Some(addresses::find(context, LOCAL)?.aws),
        given => given.clone(),
    };
    let built = cargo::build(context, "deploy")?;
    let executable = built.first().ok_or_else(|| Failure::new("deploy has no binary"))?;
    let mut program = Command::new(executable);
    program.args(words).args(["--stack", &format!("{}-{}", environment.service, environment.name)]);
    program.args(["--env", &environment.name, "--account", &environment.account]);
    program.args(["--region", aws.region.as_ref().unwrap_or(&environment.region)]);
    for (name, value) in [("--endpoint-url", &endpoint_url), ("--profile", &aws.profile)] {
        program.args(value.iter().flat_map(|value| [name, value.as_str()]));
    }
    if aws.env == LOCAL {
        // The local cloud checks no signatures, and gets to see no real keys.
        program.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        program.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_PROFILE");
    }
    let error = program.args(["--format", format.as_str()]).exec();
    Err(Failure::new(format!("cannot start {}: {error}", executable.display())))
}

/// As [`run`], and tells where each resource is defined.
pub(crate) fn diagnose(context: &Context, options: &Diagnose) -> Result<(), Failure> {
    let environment = context.environment(&options.aws.env)?;
    let definitions = infra::definitions(&environment);
    let folder = context.root.join("target/definitions");
    std::fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let file = folder.join(format!("{}.json", environment.name));
    let text = serde_json::to_string(&definitions).map_err(Failure::from("cannot write the definitions"))?;
    write_whole(&file, &text)?;
    let words = vec!["diagnose".into(), "--definitions".into(), file.into_os_string()];
    run(context, &options.aws, options.format, words)
}
