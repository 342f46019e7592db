//! `destroy`: the stack's end, with what it leaves behind.

use std::process::ExitCode;

use aws_sdk_cloudformation::types::TemplateStage;
use clap::Args;
use serde::Serialize;

use crate::{
    Failure, Format, bootstrap,
    failure::failure,
    guard::{holds_data, messages},
    recover::{Given, Resource, delete, finish_delete, resources, step},
    run::{Run, Stop},
    stack::Stack,
    states::{Operation, Step, next},
    target::Target,
    terminal::{ask, is_attended},
    text::print_json_line,
};

#[derive(Args)]
pub(crate) struct DestroyOptions {
    /// The stack's name, where nobody is there to type it
    #[arg(long, value_name = "STACK")]
    confirm: Option<String>,
    /// Whether the environment file keeps the stack from being deleted
    #[arg(long)]
    termination_protection: bool,
    #[command(flatten)]
    given: Given,
}

/// The line of `--format json`. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Destroyed<'a> {
    /// Always `result`.
    event: &'static str,
    /// `destroyed`, or `absent` when there was no such stack.
    outcome: &'static str,
    /// The stack's name.
    stack: &'a str,
    /// What stays in the account.
    retained: Vec<Retained<'a>>,
}

#[derive(Serialize)]
struct Retained<'a> {
    resource: &'a str,
    kind: &'a str,
    /// Its name, URL or ARN in the account.
    physical_id: &'a str,
}

/// Deletes the stack once its name was typed.
///
/// # Errors
/// When it is protected, AWS refuses, or the name is not typed.
pub(crate) async fn run(target: &Target, options: &DestroyOptions, format: Format) -> Result<ExitCode, Failure> {
    // Who types the name, or gives it, has answered what else may be asked.
    let mut run = Run::new(target, format, options.confirm.is_some())?;
    let done = destroy(&mut run, options).await;
    run.end(done).await
}

async fn destroy(run: &mut Run<'_>, options: &DestroyOptions) -> Result<ExitCode, Stop> {
    let target = run.target;
    for _ in 0..4 {
        let Some(stack) = run.guarded(Stack::find(target, &target.stack)).await? else {
            note!("there is no stack {} in account {}, {}", target.stack, target.account, target.region);
            return end(run, "absent", &[]);
        };
        // A creation may be deleted at once; everything else ends first.
        let at_work = next(Some(&stack.status));
        if matches!(at_work, Step::Follow(operation) if operation != Operation::Create) {
            step(run, &stack, at_work, &options.given).await?;
            continue;
        }
        return delete_whole(run, &stack, options).await;
    }
    Err(Failure::new("others work on the stack, again and again", "agree with them who deletes it").into())
}

async fn delete_whole(run: &mut Run<'_>, stack: &Stack, options: &DestroyOptions) -> Result<ExitCode, Stop> {
    let target = run.target;
    if stack.termination_protection && options.termination_protection {
        let message = format!("{} is protected from being deleted", stack.name);
        let help = format!("set deployment.termination_protection to false in environments/{}.yaml first", target.env);
        return Err(Failure::new(message, help).into());
    }
    let all = run.guarded(resources(target, &stack.id)).await?;
    let kept = run.guarded(kept(target, stack, &all)).await?;
    run.guarded(list(target, stack, &all, &kept)).await?;
    confirm(run, stack, options).await?;
    if stack.termination_protection {
        let cloudformation = target.aws.cloudformation();
        let request = cloudformation.update_termination_protection().stack_name(&stack.id);
        let opened = request.enable_termination_protection(false).send().await;
        opened.map_err(|error| failure(&error, "cannot end the stack's protection"))?;
    }
    if next(Some(&stack.status)) == Step::FinishDelete {
        finish_delete(run, stack, &options.given).await?;
    } else {
        let outcome = delete(run, stack, &[]).await?;
        if next(Some(&outcome.stack.status)) == Step::FinishDelete {
            note!("{}", run.failed(&outcome, "the deletion failed").message);
            finish_delete(run, &outcome.stack, &options.given).await?;
        }
    }
    let mut left: Vec<&Resource> = all.iter().filter(|resource| kept.contains(&resource.id)).collect();
    left.extend(
        all.iter().filter(|resource| options.given.retain.contains(&resource.id) && !kept.contains(&resource.id)),
    );
    if !left.is_empty() {
        note!("these stay in the account:");
        left.iter().for_each(|resource| note!("  {} ({}): {}", resource.id, resource.kind, resource.physical));
    }
    let artifacts = bootstrap::stack_name(target);
    note!("the stack {artifacts} with the bucket of the zips stays too, for the next deployment");
    end(run, "destroyed", &left)
}

/// The ids of what stays in the account, as the deployed template says.
async fn kept(target: &Target, stack: &Stack, all: &[Resource]) -> Result<Vec<String>, Failure> {
    if stack.is_in_review() || all.is_empty() {
        return Ok(Vec::new());
    }
    let request = target.aws.cloudformation().get_template().stack_name(&stack.id);
    let answer = request.template_stage(TemplateStage::Original).send().await;
    let answer = answer.map_err(|error| failure(&error, "cannot read the deployed template"))?;
    let template = cfn::read::template(answer.template_body().unwrap_or_default()).map_err(|error| {
        Failure::new(format!("the deployed template cannot be read: {error}"), "delete it in CloudFormation's console")
    })?;
    let retained = template.resources.iter().filter(|(_, resource)| {
        let policy = resource.deletion_policy.as_ref().and_then(serde_json::Value::as_str);
        policy.is_some_and(|policy| policy.starts_with("Retain"))
    });
    let retained: Vec<_> = retained.map(|(id, _)| id.to_string()).collect();
    let there = all.iter().filter(|resource| resource.is_there() && retained.contains(&resource.id));
    Ok(there.map(|resource| resource.id.clone()).collect())
}

/// Shows what goes and what stays, and what it holds.
async fn list(target: &Target, stack: &Stack, all: &[Resource], kept: &[String]) -> Result<(), Failure> {
    let there = all.iter().filter(|resource| resource.is_there());
    let (stays, goes): (Vec<_>, Vec<_>) = there.partition(|resource| kept.contains(&resource.id));
    note!("{}, {}, in account {}, {}", stack.name, stack.status, target.account, target.region);
    let (lost, empty): (Vec<_>, Vec<_>) = goes.into_iter().partition(|resource| holds_data(&resource.kind));
    for (what, resources) in [("holds data and is deleted with it", lost), ("stays in the account", stays)] {
        if resources.is_empty() {
            continue;
        }
        note!("  {what}:");
        for resource in resources {
            let held = match resource.kind.as_str() {
                "AWS::SQS::Queue" => match messages(target, &resource.physical).await? {
                    0 => ", empty".to_owned(),
                    count => format!(", holds {count} messages"),
                },
                _ => String::new(),
            };
            note!("    {} ({}): {}{held}", resource.id, resource.kind, resource.physical);
        }
    }
    note!("  {} others are deleted", empty.len());
    Ok(())
}

async fn confirm(run: &mut Run<'_>, stack: &Stack, options: &DestroyOptions) -> Result<(), Stop> {
    let typed = match &options.confirm {
        Some(typed) => typed.clone(),
        None if is_attended() => {
            let question = "type the stack's name to delete it:";
            run.guarded(async { Ok(ask(question).await) }).await?.unwrap_or_default()
        }
        None => {
            let message = "nobody is here to type the stack's name";
            return Err(Failure::new(message, format!("pass it: --confirm {}", stack.name)).into());
        }
    };
    if typed == stack.name {
        return Ok(());
    }
    let message = format!("{typed:?} is not the stack's name; nothing was deleted");
    Err(Failure::new(message, format!("its name is {}", stack.name)).into())
}

fn end(run: &Run<'_>, outcome: &'static str, left: &[&Resource]) -> Result<ExitCode, Stop> {
    if run.format == Format::Json {
        let retained = left.iter().map(|resource| Retained {
            resource: &resource.id,
            kind: &resource.kind,
            physical_id: &resource.physical,
        });
        let stack = &run.target.stack;
        print_json_line(&Destroyed { event: "result", outcome, stack, retained: retained.collect() })?;
    }
    Ok(ExitCode::SUCCESS)
}
