//! Commands that speak to AWS: they are done by the program `deploy`, which is built when it is first needed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use infra::Environment;
use review::diff::Source;
use serde_json::json;

use infra::Hotswap;

use crate::{
    addresses, cargo,
    cli::{Aws, Deploy, Destroy, Diagnose, Given, LOCAL, OutputFormat, Plan, Shipment, Status},
    commands::build::{self, manifest::Manifest},
    context::{Context, write_whole},
    report::Failure,
};

/// Shows what a deployment would do, and keeps it.
pub(crate) fn plan(context: &Context, options: &Plan) -> Result<(), Failure> {
    let mut words = shipment(context, "plan", &options.shipment, Zips::of(&options.shipment))?;
    words.extend(options.out.iter().flat_map(|file| ["--out".into(), file.into()]));
    run(context, &options.shipment.aws, options.shipment.format, words)
}

/// Ships an environment.
pub(crate) fn deploy(context: &Context, options: &Deploy) -> Result<(), Failure> {
    if options.hotswap {
        return hotswap(context, options);
    }
    let planned = Zips::InFolder(context.root.join(build::FOLDER));
    let zips = match (Zips::of(&options.shipment), &options.plan) {
        (Zips::Built(None), Some(_)) => planned,
        (zips, _) => zips,
    };
    let mut words = shipment(context, "deploy", &options.shipment, zips)?;
    words.extend(options.plan.iter().flat_map(|file| ["--plan".into(), file.into()]));
    words.extend(options.yes.then(|| "--yes".into()));
    run(context, &options.shipment.aws, options.shipment.format, words)
}

/// New code goes straight to Lambda, where the environment allows it.
fn hotswap(context: &Context, options: &Deploy) -> Result<(), Failure> {
    let Shipment { aws, format, .. } = &options.shipment;
    let environment = context.environment(&aws.env)?;
    if environment.deployment.hotswap == Hotswap::Forbid {
        let file = format!("environments/{}.yaml", environment.name);
        return Err(Failure::new(format!("{file} forbids new code past CloudFormation"))
            .help(format!("leave out --hotswap; or, for development, set deployment.hotswap to allow in {file}")));
    }
    let manifest = Zips::of(&options.shipment).manifest(context, &environment)?;
    run(context, aws, *format, vec!["hotswap".into(), "--manifest".into(), manifest.into()])
}

/// Deletes a stack.
pub(crate) fn destroy(context: &Context, options: &Destroy) -> Result<(), Failure> {
    let mut words = vec!["destroy".into()];
    let protected = context.environment(&options.aws.env)?.deployment.termination_protection;
    words.extend(protected.then(|| "--termination-protection".into()));
    words.extend(given(&options.given));
    words.extend(options.confirm.iter().flat_map(|stack| ["--confirm".into(), stack.into()]));
    run(context, &options.aws, options.format, words)
}

/// Says how a stack is.
pub(crate) fn status(context: &Context, options: &Status) -> Result<(), Failure> {
    let follow = options.follow.then(|| "--follow".into());
    run(context, &options.aws, options.format, ["status".into()].into_iter().chain(follow).collect())
}

/// Source of the zips that are shipped.
enum Zips {
    /// Compiled now, or packed from the binaries in a folder.
    Built(Option<PathBuf>),
    /// Written by an earlier `build`, on this machine or another one. Nothing is compiled.
    InFolder(PathBuf),
}

impl Zips {
    fn of(options: &Shipment) -> Self {
        match &options.zips {
            Some(folder) => Self::InFolder(folder.clone()),
            None => Self::Built(options.binaries.clone()),
        }
    }

    /// The manifest of the zips, which are for the environment's processor.
    fn manifest(&self, context: &Context, environment: &Environment) -> Result<PathBuf, Failure> {
        let folder = match self {
            Self::Built(binaries) => build::pack(context, environment.architecture, binaries.as_deref())?.folder,
            Self::InFolder(folder) => folder.clone(),
        };
        let file = folder.join(build::manifest::FILE);
        let Some(manifest) = Manifest::last(&folder) else {
            let failure = Failure::new(format!("cannot read the zips' manifest {}", file.display()));
            return Err(failure.help(format!(
                "copy the folder {} from where the plan was made, or name its place with --zips",
                build::FOLDER
            )));
        };
        if manifest.architecture != environment.architecture {
            let [zips, runs] = [manifest.architecture, environment.architecture].map(build::word);
            let failure = Failure::new(format!("{}: the zips are for {zips}", file.display()));
            return Err(failure
                .help(format!("{} runs on {runs}: cargo xtask build --env {}", environment.name, environment.name)));
        }
        Ok(file)
    }
}

/// Prepares a shipment and returns the arguments that name it: the environment's template, and the functions' zips.
fn shipment(context: &Context, command: &str, options: &Shipment, zips: Zips) -> Result<Vec<OsString>, Failure> {
    let environment = context.environment(&options.aws.env)?;
    let template = infra::service(&environment).map_err(Failure::new)?;
    let manifest = zips.manifest(context, &environment)?;
    let folder = context.root.join("target/deploy");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let file = folder.join(format!("{}.yaml", environment.name));
    write_whole(&file, cfn::write::yaml(&template))?;
    let mut arguments = vec![command.into()];
    arguments.extend(given(&options.given));
    arguments.extend(["--template".into(), file.into()]);
    let deployment = &environment.deployment;
    arguments.extend(deployment.termination_protection.then(|| "--termination-protection".into()));
    arguments.extend(deployment.protect_stateful.then(|| "--protect-stateful".into()));
    arguments.extend(["--watch-minutes".into(), deployment.watch_minutes.to_string().into()]);
    arguments.extend(["--manifest".into(), manifest.into()]);
    for (name, ids) in [("--replace", &options.replace), ("--delete", &options.delete)] {
        arguments.extend(ids.iter().flat_map(|id| [name.into(), id.into()]));
    }
    arguments.extend(["--context".into(), review_context(&folder, &environment)?]);
    arguments.extend(options.allow.iter().map(|one| format!("--allow={}={}", one.guard, one.resource).into()));
    arguments.extend(options.details.then(|| "--details".into()));
    arguments.extend(options.allow_data_loss.then(|| "--allow-data-loss".into()));
    Ok(arguments)
}

/// The program, built; one that is built already is named by `XTASK_DEPLOY`, as the tests do, which built it with all else.
fn executable(context: &Context) -> Result<OsString, Failure> {
    if let Some(given) = std::env::var_os("XTASK_DEPLOY") {
        return Ok(given);
    }
    cargo::build(context, "deploy").map(Into::into)
}

/// What the review of a deployment knows beside the templates: what guards deny and allow, and the lines of Rust.
fn review_context(folder: &Path, environment: &Environment) -> Result<OsString, Failure> {
    let sources = infra::definitions(environment).into_iter();
    let sources = sources.filter_map(|(id, place)| Some((id, Source::parse(&place)?)));
    let context = json!({ "guards": environment.guards, "sources": sources.collect::<BTreeMap<_, _>>() });
    let file = folder.join(format!("{}.context.json", environment.name));
    write_whole(&file, context.to_string())?;
    Ok(file.into())
}

fn given(given: &Given) -> Vec<OsString> {
    let skipped = given.skip.iter().flat_map(|id| ["--skip".into(), id.into()]);
    skipped.chain(given.retain.iter().flat_map(|id| ["--retain".into(), id.into()])).collect()
}

/// Builds the program and becomes it, so that signals and its exit code are its own.
pub(crate) fn run(context: &Context, aws: &Aws, format: OutputFormat, words: Vec<OsString>) -> Result<(), Failure> {
    let mut program = program(context, aws, words)?;
    let error = program.args(["--format", format.as_str()]).exec();
    Err(Failure::new(format!("cannot start {}: {error}", program.get_program().display())))
}

/// Builds the program; its call for an environment, without the format.
pub(crate) fn program(context: &Context, aws: &Aws, words: Vec<OsString>) -> Result<Command, Failure> {
    let environment = context.environment(&aws.env)?;
    // Before anything is built: where nothing runs, there is nothing to build for.
    let endpoint_url = match &aws.endpoint_url {
        None if aws.env == LOCAL => Some(addresses::find(context, LOCAL)?.aws),
        given => given.clone(),
    };
    let mut program = Command::new(executable(context)?);
    program.args(words).args(["--stack", &format!("{}-{}", environment.service, environment.name)]);
    program.args(["--env", &environment.name, "--account", &environment.account]);
    program.args(["--region", aws.region.as_ref().unwrap_or(&environment.region)]);
    for (name, value) in [("--endpoint-url", &endpoint_url), ("--profile", &aws.profile)] {
        program.args(value.iter().flat_map(|value| [name, value.as_str()]));
    }
    if aws.env == LOCAL && aws.endpoint_url.is_none() {
        // The local cloud checks no signatures, and gets to see no real keys.
        program.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        program.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_PROFILE");
    }
    Ok(program)
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
