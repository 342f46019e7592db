//! What an earlier operation left behind, brought to a state from which a stack can be deployed.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::types::{ResourceStatus, StackResourceSummary};
use clap::Args;

use crate::{
    Failure, change_set,
    events::{Reader, Since, first_cause},
    failure::failure,
    follow::{Following, Outcome},
    run::{Run, Stop},
    stack::Stack,
    states::{Operation, Step, next},
    target::Target,
    terminal::{ask, is_attended},
    text::printable,
    token,
};

/// Resources that are let go by name, because CloudFormation cannot bring them where it should.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Given {
    /// Continue a failed rollback without this resource, which then is not as the stack believes
    #[arg(long, value_name = "ID")]
    pub(crate) skip: Vec<String>,
    /// Delete a stack without this resource, which then stays in the account
    #[arg(long, value_name = "ID")]
    pub(crate) retain: Vec<String>,
}

/// Takes one step; the stack is looked at again after it.
///
/// # Errors
/// When the step fails, is declined, or the state is one that only a person can end.
pub(crate) async fn step(run: &mut Run<'_>, stack: &Stack, step: Step, given: &Given) -> Result<(), Stop> {
    match step {
        Step::Follow(operation) => join(run, stack, operation).await,
        Step::RollBack => roll_back(run, stack).await,
        Step::ContinueRollback => continue_rollback(run, stack, given).await,
        Step::Recreate => delete_failed(run, stack, given).await,
        Step::FinishDelete => finish_delete(run, stack, given).await,
        Step::Create | Step::Update => Ok(()),
        Step::Stuck => {
            let message = format!("the stack {} is {}, which only a person can end", stack.name, stack.status);
            Err(Failure::new(message, "CloudFormation's console says what is wrong with it").into())
        }
    }
}

/// Says who is first, and follows.
async fn join(run: &mut Run<'_>, stack: &Stack, operation: Operation) -> Result<(), Stop> {
    let target = run.target;
    let by = match &stack.change_set {
        Some(id) => run.guarded(change_set::describe(target, id)).await?,
        None => None,
    };
    let by = by.filter(|by| !by.description.is_empty()).map(|by| format!(", by {}", by.description));
    note!("{} is being {} already{}", stack.name, operation.done(), by.unwrap_or_default());
    let (reader, events) = run.guarded(Reader::new(target, &stack.id, Since::Operation)).await?;
    let following = Following { stack_id: stack.id.clone(), reader, events };
    let outcome = run.follow(following).await?;
    note!("that is over: {}", outcome.stack.status);
    Ok(())
}

/// A failure that was left as it was, so that somebody could look at it.
async fn roll_back(run: &mut Run<'_>, stack: &Stack) -> Result<(), Stop> {
    let target = run.target;
    note!("{} is {}: what failed was left as it was", stack.name, stack.status);
    tell_first_cause(run, stack).await?;
    run.agree("roll it back, to go on from there?").await?;
    let (reader, events) = run.guarded(Reader::new(target, &stack.id, Since::Now)).await?;
    let request = target.aws.cloudformation().rollback_stack().stack_name(&stack.id).client_request_token(token());
    // What was made for the first time holds nothing yet.
    let request = request.retain_except_on_create(true);
    request.send().await.map_err(|error| failure(&error, "cannot roll the stack back"))?;
    run.follow(Following { stack_id: stack.id.clone(), reader, events }).await?;
    Ok(())
}

/// The rollback of an update that did not come through.
async fn continue_rollback(run: &mut Run<'_>, stack: &Stack, given: &Given) -> Result<(), Stop> {
    let target = run.target;
    let failed = run.guarded(resources(target, &stack.id)).await?;
    let failed: Vec<_> =
        failed.into_iter().filter(|resource| resource.status == ResourceStatus::UpdateFailed).collect();
    note!("{} is {}: its last update could not be undone, because of", stack.name, stack.status);
    failed.iter().for_each(|resource| note!("  {} ({}): {}", resource.id, resource.kind, resource.reason));
    let known = |id: &String| failed.iter().any(|resource| resource.id == *id);
    if let Some(stranger) = given.skip.iter().find(|id| !known(id)) {
        let failed: Vec<_> = failed.iter().map(|resource| resource.id.as_str()).collect();
        let message = format!("{stranger} is not among what could not be undone");
        return Err(Failure::new(message, format!("name one of {} with --skip", failed.join(", "))).into());
    }
    let question = if given.skip.is_empty() {
        "continue the rollback, now that the reason is mended?".to_owned()
    } else {
        format!("continue the rollback without {}?", given.skip.join(", "))
    };
    run.agree(&question).await?;
    let (reader, events) = run.guarded(Reader::new(target, &stack.id, Since::Now)).await?;
    let request = target.aws.cloudformation().continue_update_rollback().stack_name(&stack.id);
    let request = request.set_resources_to_skip((!given.skip.is_empty()).then(|| given.skip.clone()));
    let asked = request.client_request_token(token()).send().await;
    asked.map_err(|error| failure(&error, "cannot continue the rollback"))?;
    let outcome = run.follow(Following { stack_id: stack.id.clone(), reader, events }).await?;
    if next(Some(&outcome.stack.status)) != Step::ContinueRollback {
        return Ok(());
    }
    let failed = run.failed(&outcome, "the rollback failed again");
    let help = "mend that and deploy again; or give it up with --skip ID, and the stack is no longer as CloudFormation believes";
    Err(Failure::new(failed.message, help).into())
}

/// A stack whose first creation failed: it can only be deleted.
async fn delete_failed(run: &mut Run<'_>, stack: &Stack, given: &Given) -> Result<(), Stop> {
    note!(
        "{} is {}: its first creation failed, and such a stack can only be deleted and made anew",
        stack.name,
        stack.status
    );
    tell_first_cause(run, stack).await?;
    let left = run.guarded(resources(run.target, &stack.id)).await?;
    let left: Vec<_> = left.iter().filter(|resource| resource.is_there()).collect();
    if left.is_empty() {
        note!("nothing of it is left");
    } else {
        note!(
            "these are left, and stay in the account when they are to be retained; a name that is taken cannot be made anew:"
        );
        left.iter().for_each(|resource| note!("  {} ({}): {}", resource.id, resource.kind, resource.physical));
    }
    run.agree("delete the stack, and make it anew?").await?;
    let outcome = delete(run, stack, &[]).await?;
    if next(Some(&outcome.stack.status)) == Step::FinishDelete {
        return finish_delete(run, &outcome.stack, given).await;
    }
    Ok(())
}

/// A deletion that did not come through.
pub(crate) async fn finish_delete(run: &mut Run<'_>, stack: &Stack, given: &Given) -> Result<(), Stop> {
    let all = run.guarded(resources(run.target, &stack.id)).await?;
    let failed: Vec<_> = all.iter().filter(|resource| resource.status == ResourceStatus::DeleteFailed).collect();
    note!("{} is {}: these could not be deleted", stack.name, stack.status);
    failed.iter().for_each(|resource| note!("  {} ({}): {}", resource.id, resource.kind, resource.reason));
    let ids: BTreeSet<_> = failed.iter().map(|resource| resource.id.as_str()).collect();
    let mut retain = given.retain.clone();
    if retain.is_empty() && is_attended() {
        let question = "which of them shall stay in the account, ids with spaces between; none to try again as it is:";
        let answer = run.guarded(async { Ok(ask(question).await) }).await?.unwrap_or_default();
        retain = answer.split_whitespace().map(str::to_owned).collect();
    }
    if let Some(stranger) = retain.iter().find(|id| !ids.contains(id.as_str())) {
        let message = format!("{stranger} is not among what could not be deleted");
        let ids: Vec<_> = ids.into_iter().collect();
        return Err(Failure::new(message, format!("name one of {} with --retain", ids.join(", "))).into());
    }
    let question = if retain.is_empty() {
        "try to delete the rest again?".to_owned()
    } else {
        format!("delete the rest, and leave {} in the account?", retain.join(", "))
    };
    run.agree(&question).await?;
    let outcome = delete(run, stack, &retain).await?;
    if next(Some(&outcome.stack.status)) != Step::FinishDelete {
        return Ok(());
    }
    let failed = run.failed(&outcome, "the deletion failed again");
    Err(Failure::new(failed.message, "mend that; or leave what cannot be deleted in the account, with --retain ID")
        .into())
}

/// Deletes a stack and follows it to its end.
///
/// # Errors
/// When AWS refuses, or whoever followed left.
pub(crate) async fn delete(run: &mut Run<'_>, stack: &Stack, retain: &[String]) -> Result<Outcome, Stop> {
    let target = run.target;
    let (reader, events) = run.guarded(Reader::new(target, &stack.id, Since::Now)).await?;
    let request = target.aws.cloudformation().delete_stack().stack_name(&stack.id).client_request_token(token());
    let request = request.set_retain_resources((!retain.is_empty()).then(|| retain.to_vec()));
    request.send().await.map_err(|error| failure(&error, "cannot delete the stack"))?;
    run.follow(Following { stack_id: stack.id.clone(), reader, events }).await
}

async fn tell_first_cause(run: &mut Run<'_>, stack: &Stack) -> Result<(), Stop> {
    let (_, events) = run.guarded(Reader::new(run.target, &stack.id, Since::Operation)).await?;
    if let Some(cause) = first_cause(&events) {
        note!("  first cause: {} ({}), {}: {}", cause.resource, cause.kind, cause.status, cause.reason);
    }
    Ok(())
}

/// A resource of a stack as it is now; its texts are printable.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) physical: String,
    pub(crate) status: ResourceStatus,
    pub(crate) reason: String,
}

impl Resource {
    /// Whether the thing itself is in the account.
    pub(crate) fn is_there(&self) -> bool {
        self.status != ResourceStatus::DeleteComplete && !self.physical.is_empty()
    }
}

impl From<&StackResourceSummary> for Resource {
    fn from(resource: &StackResourceSummary) -> Self {
        let text = |value: Option<&str>| printable(value.unwrap_or_default());
        Self {
            id: text(resource.logical_resource_id()),
            kind: text(resource.resource_type()),
            physical: text(resource.physical_resource_id()),
            status: resource.resource_status().cloned().unwrap_or(ResourceStatus::DeleteComplete),
            reason: text(resource.resource_status_reason()),
        }
    }
}

/// What a stack consists of.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn resources(target: &Target, stack_id: &str) -> Result<Vec<Resource>, Failure> {
    let mut pages = target.aws.cloudformation().list_stack_resources().stack_name(stack_id).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failure(&error, "cannot list what the stack consists of"))?;
        found.extend(page.stack_resource_summaries().iter().map(Resource::from));
    }
    Ok(found)
}
