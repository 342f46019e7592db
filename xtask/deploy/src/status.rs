//! `status`: how the stack is, what is under way, and what would come next.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::{
    Failure, Format,
    change_set::{self, Waiting},
    events::{Event, Reader, Since, first_cause},
    follow::Following,
    run::{Run, Stop},
    stack::Stack,
    states::{Step, next, succeeded},
    target::Target,
    terminal::link,
    text::{print, print_json, printable},
};

#[derive(Args)]
pub(crate) struct StatusOptions {
    /// Follow what is under way to its end
    #[arg(long)]
    follow: bool,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Status<'a> {
    /// The stack's name.
    stack: &'a str,
    /// Its ARN; none where there is no such stack.
    stack_id: Option<&'a str>,
    /// CloudFormation's word for how it is; none where there is no such stack.
    status: Option<&'a str>,
    /// Why, where CloudFormation says so.
    reason: &'a str,
    /// When it was made or last updated, as RFC 3339.
    changed: Option<&'a str>,
    /// Whether it is kept from being deleted.
    termination_protection: bool,
    /// Who made the change set that was executed last, where and when.
    by: Option<String>,
    /// What went wrong first in the last operation, when it failed.
    first_cause: Option<Cause>,
    /// Change sets that wait to be executed.
    change_sets: &'a [Waiting],
    /// What a deployment would do next.
    next: &'a str,
}

#[derive(Serialize)]
struct Cause {
    resource: String,
    kind: String,
    status: String,
    reason: String,
}

impl From<&Event> for Cause {
    fn from(event: &Event) -> Self {
        let Event { resource, kind, status, reason, .. } = event.clone();
        Self { resource, kind, status, reason }
    }
}

/// Prints how the stack is; with `--follow`, once nothing is under way any more.
///
/// # Errors
/// When AWS does not say, or what was followed failed.
pub(crate) async fn run(target: &Target, options: &StatusOptions, format: Format) -> Result<ExitCode, Failure> {
    if !options.follow {
        show(target, format).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut run = Run::new(target, format, false)?;
    let done = follow(&mut run, format).await;
    run.end(done).await
}

async fn follow(run: &mut Run<'_>, format: Format) -> Result<ExitCode, Stop> {
    let target = run.target;
    let stack = run.guarded(Stack::of(target)).await?;
    if !matches!(next(Some(&stack.status)), Step::Follow(_)) {
        run.guarded(show(target, format)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let (reader, events) = run.guarded(Reader::new(target, &stack.id, Since::Operation)).await?;
    let following = Following { stack_id: stack.id.clone(), reader, events };
    let outcome = run.follow(following).await?;
    if !succeeded(&outcome.stack.status) {
        let what = format!("the operation failed, and the stack is {}", outcome.stack.status);
        return Err(run.failed(&outcome, &what).into());
    }
    note!("{} resources in {:.1} s", outcome.resources, outcome.seconds);
    if outcome.stack.status.as_str() == "DELETE_COMPLETE" {
        note!("{} is deleted", outcome.stack.name);
        return Ok(ExitCode::SUCCESS);
    }
    run.guarded(show(target, format)).await?;
    Ok(ExitCode::SUCCESS)
}

async fn show(target: &Target, format: Format) -> Result<(), Failure> {
    let stack = Stack::find(target, &target.stack).await?;
    let Some(stack) = stack else {
        let status = Status {
            stack: &target.stack,
            stack_id: None,
            status: None,
            reason: "",
            changed: None,
            termination_protection: false,
            by: None,
            first_cause: None,
            change_sets: &[],
            next: what_comes(Step::Create),
        };
        return say(&status, format);
    };
    let waiting = change_set::waiting(target).await?;
    let by = match &stack.change_set {
        Some(id) => change_set::describe(target, id).await?.map(|by| by.description).filter(|by| !by.is_empty()),
        None => None,
    };
    let step = next(Some(&stack.status));
    let in_order = stack.is_in_review() || succeeded(&stack.status) || matches!(step, Step::Follow(_));
    let first_cause = if in_order {
        None
    } else {
        let (_, events) = Reader::new(target, &stack.id, Since::Operation).await?;
        first_cause(&events).map(Cause::from)
    };
    let status = Status {
        stack: &stack.name,
        stack_id: Some(&stack.id),
        status: Some(stack.status.as_str()),
        reason: &stack.reason,
        changed: Some(&stack.changed),
        termination_protection: stack.termination_protection,
        by,
        first_cause,
        change_sets: &waiting,
        next: what_comes(step),
    };
    say(&status, format)
}

fn say(status: &Status<'_>, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => print_json(status),
        Format::Text => print(&text(status)),
    }
}

fn text(status: &Status<'_>) -> String {
    let Status { stack, change_sets, next, .. } = status;
    let name = status.stack_id.and_then(page).map_or_else(|| (*stack).to_owned(), |page| link(stack, &page));
    let mut lines = vec![format!("{name}, {}", status.status.unwrap_or("not there"))];
    lines.extend((!status.reason.is_empty()).then(|| format!("  because  {}", printable(status.reason))));
    if let Some(Cause { resource, kind, status, reason }) = &status.first_cause {
        lines.push(format!("  first cause  {resource} ({kind}), {status}: {reason}"));
    }
    lines.extend(status.changed.map(|changed| format!("  since    {changed}")));
    lines.extend(status.by.as_ref().map(|by| format!("  by       {by}")));
    lines.extend(status.termination_protection.then(|| "  protected from being deleted".to_owned()));
    for Waiting { name, made_by, created, status } in *change_sets {
        lines.push(format!("  waits    change set {name}, {status}, {created}, {made_by}"));
    }
    lines.push(format!("  next     {next}"));
    lines.join("\n") + "\n"
}

/// A stack's page in AWS's console; none for an id that could steer the terminal.
fn page(stack_id: &str) -> Option<String> {
    if !stack_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut parts = stack_id.split(':').skip(1);
    let (partition, region) = (parts.next()?, parts.nth(1)?);
    let host = match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    let id = stack_id.replace(':', "%3A").replace('/', "%2F");
    Some(format!("https://{region}.{host}/cloudformation/home?region={region}#/stacks/stackinfo?stackId={id}"))
}

/// What a deployment would do next.
fn what_comes(step: Step) -> &'static str {
    match step {
        Step::Create => "a deployment makes it",
        Step::Update => "a deployment updates it",
        Step::Follow(_) => "something is under way: status --follow follows it, and so does a deployment",
        Step::RollBack => "a deployment rolls it back first",
        Step::ContinueRollback => "a deployment continues the rollback first",
        Step::Recreate => "a deployment deletes it and makes it anew",
        Step::FinishDelete => "a deployment deletes the rest of it, and makes it anew",
        Step::Stuck => "a person ends it, in CloudFormation's console",
    }
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_stacks_page_is_in_the_console_of_its_partition() {
        let id = "arn:aws:cloudformation:eu-west-1:111111111111:stack/shop-prod/1-2";
        let there = "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/stackinfo\
                     ?stackId=arn%3Aaws%3Acloudformation%3Aeu-west-1%3A111111111111%3Astack%2Fshop-prod%2F1-2";
        assert_eq!(page(id).unwrap(), there);
        let china = page("arn:aws-cn:cloudformation:cn-north-1:1:stack/s/1").unwrap();
        assert!(china.starts_with("https://cn-north-1.console.amazonaws.cn/"), "{china}");
        assert_eq!(page("no-id"), None);
        assert_eq!(page("arn:aws:cloudformation:eu-west-1:1:stack/s\x1b\\/1"), None);
    }
}
