//! `foresee`: what CloudFormation would do with a template, asked by a change set that is thrown away.
//!
//! A review changes nothing: whatever becomes of the question, on Ctrl-C too, no change set of it stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use aws_lc_rs::digest;
use aws_sdk_cloudformation::types::ChangeSetType;
use cfn::Template;
use clap::Args;
use review::diff::Predicted;
use serde::Serialize;

use crate::{
    Failure, Format,
    change_set::{self, Rollback, Wish},
    differences::predicted,
    failure::Answer,
    run::{Leftover, Run, Stop},
    ship::{LARGEST_BODY, hand_over},
    source::{BUCKET, hex},
    stack::Stack,
    states::{Step, next},
    text::{print_json, printable},
    who,
};

/// What would be deployed.
#[derive(Args)]
pub(crate) struct Options {
    /// The template, as JSON or YAML
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// The parameters' values, as a JSON object; those that the template does not have are left out
    #[arg(long, value_name = "FILE")]
    parameters: PathBuf,
}

/// What is printed. Fields are added, never changed or removed.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum Foreseen {
    /// CloudFormation says what it would do.
    Joined { changes: Vec<Predicted> },
    /// It refuses, and this is what it says.
    Refused { why: String },
    /// It cannot be asked, and this is why.
    Missing { why: String },
}

/// Prints what CloudFormation would do, or why it does not say.
///
/// # Errors
/// When a file cannot be read, or AWS gives no answer. That the caller may not ask is an answer.
pub(crate) async fn run(target: &crate::Target, options: &Options, format: Format) -> Result<ExitCode, Failure> {
    let mut run = Run::new(target, format, true)?;
    let done = match foresee(&mut run, options).await {
        Err(Stop::Failed(failure)) => match failure.answer {
            Answer::Denied => {
                let Failure { message, help, .. } = &failure;
                note!("going on without a change set: {message}\n  help: {help}; --no-change-set does not ask");
                Ok(Foreseen::Missing { why: not_allowed(&failure.message) })
            }
            Answer::Unknown => Ok(Foreseen::Missing { why: failure.message }),
            Answer::Refused => Ok(Foreseen::Refused { why: failure.message }),
            Answer::Other => Err(Stop::Failed(failure)),
        },
        other => other,
    };
    let done = done.and_then(|foreseen| {
        print_json(&foreseen)?;
        Ok(ExitCode::SUCCESS)
    });
    run.end(done).await
}

async fn foresee(run: &mut Run<'_>, options: &Options) -> Result<Foreseen, Stop> {
    let target = run.target;
    let template =
        cfn::read::template(&read(&options.template)?).map_err(|error| unreadable(&options.template, &error))?;
    let values = serde_json::from_str(&read(&options.parameters)?);
    let values: BTreeMap<String, String> = values.map_err(|error| unreadable(&options.parameters, &error))?;
    let stack = run.guarded(Stack::find(target, &target.stack)).await?;
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else { return missing("nothing is deployed") };
    if next(Some(&stack.status)) != Step::Update {
        return missing(format!("the stack is {}", stack.status));
    }
    let (parameters, kept) = match parameters(&template, values, &stack) {
        Ok(parameters) => parameters,
        Err(open) => return missing(format!("{} must be given a value first", open.join(", "))),
    };
    let text = serde_json::to_string(&template).map_err(|error| unreadable(&options.template, &error))?;
    let bucket = stack.parameters.get(BUCKET).map_or("", String::as_str);
    if text.len() > LARGEST_BODY && bucket.is_empty() {
        return missing(format!(
            "the template is larger than {LARGEST_BODY} bytes, and the stack has no bucket for it"
        ));
    }
    let wish = Wish {
        kind: ChangeSetType::Update,
        name: change_set::name("diff"),
        description: who(target),
        template: run
            .guarded(hand_over(target, &text, &hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()), bucket))
            .await?,
        parameters,
        kept,
        rollback: Rollback::default(),
    };
    // Known beforehand, so that it is thrown away even when the answer never comes.
    run.leftover.replace(Some(Leftover { change_set: wish.name.clone(), new_stack: false }));
    let asked = run.guarded(change_set::ask(target, &wish)).await;
    if let Err(Stop::Failed(failure)) = &asked
        && failure.answer != Answer::Other
    {
        // There is none, which was said.
        run.leftover.take();
    }
    let made = match asked? {
        Some(id) => run.guarded(change_set::made(target, &id)).await?,
        None => None,
    };
    let Some(made) = made else { return missing("somebody else is changing the stack") };
    if !made.is_empty() && !made.is_ready() {
        return Ok(Foreseen::Refused {
            why: format!("CloudFormation makes no change set: {}", printable(&made.reason)),
        });
    }
    Ok(Foreseen::Joined { changes: made.changes.iter().filter_map(predicted).collect() })
}

/// Which action AWS does not allow, where it names it.
fn not_allowed(said: &str) -> String {
    let action = said.split_once("not authorized to perform: ").and_then(|(_, rest)| rest.split_whitespace().next());
    format!("{} is not allowed", action.unwrap_or("cloudformation:CreateChangeSet"))
}

fn missing(why: impl Into<String>) -> Result<Foreseen, Stop> {
    Ok(Foreseen::Missing { why: why.into() })
}

/// Values of parameters by their names, and the names of those that stay as they are.
type Parameters = (BTreeMap<String, String>, BTreeSet<String>);

/// The values that differ from what the stack has, and the names of those that do not; or the names of those that nobody
/// knows. What the stack hides is not known and stays as it is.
fn parameters(template: &Template, values: BTreeMap<String, String>, stack: &Stack) -> Result<Parameters, Vec<String>> {
    let has = |name: &String| values.contains_key(name);
    let open = template.parameters.iter().filter(|(name, parameter)| parameter.default.is_none() && !has(name));
    let open: Vec<String> = open.map(|(name, _)| name.clone()).collect();
    if !open.is_empty() {
        return Err(open);
    }
    let wanted = values.into_iter().filter(|(name, _)| template.parameters.contains_key(name));
    let (kept, given): (BTreeMap<_, _>, _) =
        wanted.partition(|(name, value)| stack.parameters.get(name) == Some(value));
    Ok((given, kept.into_keys().collect()))
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("cannot read {}: {error}", file.display()), "`cargo xtask diff` writes it")
}
