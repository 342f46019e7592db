//! What a template costs: from an environment file to text, checked and not; beside AWS CDK with an app of the same
//! resources.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use cfn::{
    Stack, Template,
    constructs::{Encryption, Queue},
};
use nix::sys::resource::{UsageWho, getrusage};

use super::report::{Table, median};
use xtask::{
    context::{Context, write_whole},
    report::Failure,
};

const ROUNDS: usize = 31;
/// CDK takes seconds; its spread is small.
const CDK_ROUNDS: usize = 5;
/// How often the same template is made, to see whether it is the same bytes.
const SAME: usize = 100;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let program = crate::xtask_program()?;
    // Cargo becomes this program, so what it waited for (compilers) counts among this program's children.
    let before = largest_child();
    let synth = times(&program, &["-q", "synth", "--env", "prod"], &context.root, ROUNDS)?;
    table.add("synth of prod, the whole process", median(synth, "ms"), "at most 10 ms");
    let memory = match largest_child() {
        Some(kilobytes) if before.is_some_and(|before| kilobytes > before) => format!("{} MB", kilobytes / 1000),
        _ => "not seen behind that of the compiler, which ran just before: run this again".to_owned(),
    };
    table.add("its memory", memory, "at most 15 MB");
    let validate = times(&program, &["-q", "validate", "--env", "prod"], &context.root, ROUNDS)?;
    table.add("validate of prod, the whole process", median(validate, "ms"), "at most 50 ms");
    let prod = infra::service(&context.environment("prod")?).map_err(Failure::new)?;
    let json = serde_json::to_string(&prod).map_err(Failure::new)?;
    let size = format!("{} resources, {:.1} KB of JSON", prod.resources.len(), kilobytes(json.len()));
    table.add("the template of prod", size, "at most 30 KB");
    let same: HashSet<_> = (0..SAME)
        .map(|_| infra::service(&context.environment("prod")?).map_err(Failure::new))
        .map(|made| made.map(|made| cfn::write::yaml(&made)))
        .collect::<Result<_, _>>()?;
    table.add(format!("different texts of prod in {SAME} runs"), same.len().to_string(), "1");
    // CDK refuses more than 500, and adds one of its own.
    cdk(context, table, &[("prod", &prod), ("498 resources", &queues("queue", 249)?)])
}

/// The most that one process used of those that were waited for, in kilobytes.
fn largest_child() -> Option<i64> {
    getrusage(UsageWho::RUSAGE_CHILDREN).ok().map(|usage| usage.max_rss())
}

/// A stack of so many queues, each with its policy, under names that begin like this.
pub(super) fn queues(prefix: &str, count: usize) -> Result<Template, Failure> {
    let mut stack = Stack::new("queues");
    for number in 0..count {
        stack.queue(&format!("Queue{number}"), &Queue::terminal(format!("{prefix}-{number}"), Encryption::Managed));
    }
    stack.finish().map_err(Failure::new)
}

pub(super) fn times(program: &Path, arguments: &[&str], folder: &Path, rounds: usize) -> Result<Vec<f64>, Failure> {
    let mut all = Vec::new();
    for _ in 0..rounds {
        let since = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().map_err(Failure::from(format!("cannot start {}", program.display())))?;
        all.push(since.elapsed().as_secs_f64() * 1e3);
        if !status.success() {
            return Err(Failure::new(format!("{} {} ended with {status}", program.display(), arguments.join(" "))));
        }
    }
    Ok(all)
}

/// AWS CDK on apps that consist of the same resources, taken from the templates.
fn cdk(context: &Context, table: &mut Table, templates: &[(&str, &Template)]) -> Result<(), Failure> {
    let folder = context.root.join("target/bench/cdk");
    let Some(program) = install(&folder)? else {
        table.add("AWS CDK", "missing: npm did not install aws-cdk and aws-cdk-lib", "");
        return Ok(());
    };
    for (name, template) in templates {
        write_whole(&folder.join("template.json"), cfn::write::json(template))?;
        let synth = ["synth", "--quiet", "--app", "node app.js"];
        table.add(format!("cdk synth of {name}"), median(times(&program, &synth, &folder, CDK_ROUNDS)?, "ms"), "");
        let unchecked = [&synth[..], &["--no-validation"]].concat();
        let took = times(&program, &unchecked, &folder, CDK_ROUNDS)?;
        table.add(format!("cdk synth --no-validation of {name}"), median(took, "ms"), "");
    }
    Ok(())
}

/// Installs CDK; its program, or nothing where npm or the registry is not there.
pub(super) fn install(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    fs::create_dir_all(folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let packages =
        r#"{"private":true,"dependencies":{"aws-cdk":"2.1148.1","aws-cdk-lib":"2.276.0","constructs":"10.8.1"}}"#;
    write_whole(&folder.join("package.json"), packages)?;
    let app = "const cdk = require('aws-cdk-lib');\n\
               const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');\n\
               const stack = new cdk.Stack(new cdk.App(), 'Service');\n\
               new CfnInclude(stack, 'Template', { templateFile: 'template.json' });\n";
    write_whole(&folder.join("app.js"), app)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]).current_dir(folder);
    let installed = npm.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    let program = folder.join("node_modules/.bin/cdk");
    Ok((installed && program.is_file()).then_some(program))
}

#[expect(clippy::cast_precision_loss, reason = "a template's size in kilobytes needs no more digits")]
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1e3
}
