//! What must not happen by accident: that something which holds data is replaced or deleted.

use std::{collections::BTreeSet, fmt};

use aws_sdk_cloudformation::types::{ChangeAction, Replacement, ResourceChange};
use aws_sdk_sqs::types::QueueAttributeName;
use cfn::guard::Allowance;
use clap::Args;
use review::diff::Verdict;
use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    failure::{code, failure},
    target::Target,
    text::printable,
};

/// What somebody allows by name.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    /// Let this resource, which holds data, be replaced
    #[arg(long, value_name = "ID")]
    pub(crate) replace: Vec<String>,
    /// Let this resource, which holds data, leave the stack
    #[arg(long, value_name = "ID")]
    pub(crate) delete: Vec<String>,
    /// Let a queue go that still holds messages
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Let this change be, which a guard of the environment file blocks
    #[arg(long = "allow", value_name = "GUARD=ID", value_parser = Allowance::parse)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) guards: Vec<Allowance>,
}

/// Refuses what the environment's guards block.
///
/// # Errors
/// When something is blocked; the failure says of each how it is allowed.
pub(crate) fn judge(verdict: &Verdict) -> Result<(), Failure> {
    if verdict.blocked.is_empty() {
        return Ok(());
    }
    let lines = verdict.blocked.iter().map(|one| {
        let (sentence, mend) = (printable(&one.sentence), printable(&one.mend()));
        format!("\n  {}: {sentence}\n    {mend}", one.guard)
    });
    let message = format!("the environment's guards block this:{}", lines.collect::<String>());
    Err(Failure::new(message, "allow each by its name, or change what is deployed"))
}

/// What a change set would do to something that holds data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Risk {
    pub(crate) resource: String,
    pub(crate) kind: String,
    physical: String,
    pub(crate) harm: Harm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    Replaced,
    /// CloudFormation decides it while it is at work.
    PerhapsReplaced,
    Deleted,
}

impl fmt::Display for Risk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harm = match self.harm {
            Harm::Replaced => "would be replaced",
            Harm::PerhapsReplaced => "may be replaced",
            Harm::Deleted => "would leave the stack",
        };
        write!(out, "{} ({}) {harm}", self.resource, self.kind)
    }
}

/// Whether things of this type hold data, or are remembered by others.
pub(crate) fn holds_data(kind: &str) -> bool {
    cfn::schema::lifecycle(kind).is_some_and(|known| known.stateful)
}

/// What the changes would do to what holds data.
pub(crate) fn risks(changes: &[ResourceChange]) -> Vec<Risk> {
    let risk = |change: &ResourceChange| {
        let kind = change.resource_type().filter(|kind| holds_data(kind))?.to_owned();
        let harm = match (change.action(), change.replacement()) {
            (Some(ChangeAction::Remove), _) => Harm::Deleted,
            (Some(ChangeAction::Modify), Some(Replacement::True)) => Harm::Replaced,
            (Some(ChangeAction::Modify), Some(Replacement::Conditional)) => Harm::PerhapsReplaced,
            _ => return None,
        };
        let resource = printable(change.logical_resource_id().unwrap_or_default());
        let physical = change.physical_resource_id().unwrap_or_default().to_owned();
        Some(Risk { resource, kind, physical, harm })
    };
    changes.iter().filter_map(risk).collect()
}

/// Refuses what was not allowed by name, and what would take messages with it.
///
/// # Errors
/// When something is refused, or SQS does not say what a queue holds.
pub(crate) async fn check(target: &Target, risks: &[Risk], allowed: &Allowed) -> Result<(), Failure> {
    let named = |risk: &Risk| match risk.harm {
        Harm::Deleted => allowed.delete.contains(&risk.resource),
        Harm::Replaced | Harm::PerhapsReplaced => allowed.replace.contains(&risk.resource),
    };
    let refused: Vec<_> = risks.iter().filter(|risk| !named(risk)).collect();
    if !refused.is_empty() {
        let lines: String = refused.iter().map(|risk| format!("\n  {risk}")).collect();
        let flags: Vec<_> = refused
            .iter()
            .map(|risk| {
                let flag = if risk.harm == Harm::Deleted { "--delete" } else { "--replace" };
                format!("{flag} {}", risk.resource)
            })
            .collect();
        let help = format!("if that is meant, name them: {}", flags.join(" "));
        return Err(Failure::new(format!("what holds data is not touched unless it is named:{lines}"), help));
    }
    if allowed.allow_data_loss {
        return Ok(());
    }
    for risk in risks.iter().filter(|risk| risk.kind == "AWS::SQS::Queue" && !risk.physical.is_empty()) {
        let messages = messages(target, &risk.physical).await?;
        if messages > 0 {
            let message = format!("{risk}, and it still holds {messages} messages");
            return Err(Failure::new(message, "let them be worked on first, or lose them with --allow-data-loss"));
        }
    }
    Ok(())
}

/// How many messages a queue holds, by its URL: waiting, being worked on, and delayed.
///
/// # Errors
/// When SQS does not say.
pub(crate) async fn messages(target: &Target, url: &str) -> Result<u64, Failure> {
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let request = target.aws.sqs().get_queue_attributes().queue_url(url);
    match request.set_attribute_names(Some(counts.to_vec())).send().await {
        Ok(answer) => {
            let attributes = answer.attributes();
            let count = |name| attributes.and_then(|all| all.get(name)).and_then(|count| count.parse::<u64>().ok());
            Ok(counts.iter().filter_map(count).sum())
        }
        // Somebody deleted it by hand: there is nothing in it any more.
        Err(error) if code(&error).contains("NonExistentQueue") || code(&error).contains("QueueDoesNotExist") => Ok(0),
        Err(error) => Err(failure(&error, &format!("cannot ask what the queue holds: {}", printable(url)))),
    }
}

/// The stack policy under which CloudFormation itself refuses to replace or delete these.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>
pub(crate) fn policy(protected: &BTreeSet<String>) -> serde_json::Value {
    let all = serde_json::json!(
        { "Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*" }
    );
    if protected.is_empty() {
        return serde_json::json!({ "Statement": [all] });
    }
    let resources: Vec<_> = protected.iter().map(|id| format!("LogicalResourceId/{id}")).collect();
    serde_json::json!({ "Statement": [
        { "Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": resources },
        all
    ] })
}

/// The resources of a template that hold data.
pub(crate) fn stateful(template: &cfn::Template) -> BTreeSet<String> {
    let resources = template.resources.iter().filter(|(_, resource)| holds_data(&resource.kind));
    resources.map(|(id, _)| id.to_string()).collect()
}

/// The policy that the stack has; nothing when it has none, or one that cannot be read.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn policy_of(target: &Target, stack_id: &str) -> Result<Option<serde_json::Value>, Failure> {
    let answer = target.aws.cloudformation().get_stack_policy().stack_name(stack_id).send().await;
    let answer = answer.map_err(|error| failure(&error, "cannot read the stack policy"))?;
    Ok(answer.stack_policy_body().and_then(|body| serde_json::from_str(body).ok()))
}

/// Gives the stack this policy.
///
/// # Errors
/// When AWS refuses.
pub(crate) async fn set_policy(target: &Target, stack_id: &str, policy: &serde_json::Value) -> Result<(), Failure> {
    let cloudformation = target.aws.cloudformation();
    let request = cloudformation.set_stack_policy().stack_name(stack_id).stack_policy_body(policy.to_string());
    request.send().await.map_err(|error| failure(&error, "cannot set the stack policy"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &str, action: ChangeAction, replacement: Option<Replacement>) -> ResourceChange {
        let change = ResourceChange::builder().logical_resource_id("Id").resource_type(kind).action(action);
        change.set_replacement(replacement).build()
    }

    #[test]
    fn only_what_holds_data_is_at_risk_and_only_when_it_goes() {
        let queue = "AWS::SQS::Queue";
        for (kind, action, replacement, harm) in [
            (queue, ChangeAction::Add, None, None),
            (queue, ChangeAction::Modify, Some(Replacement::False), None),
            (queue, ChangeAction::Modify, Some(Replacement::True), Some(Harm::Replaced)),
            (queue, ChangeAction::Modify, Some(Replacement::Conditional), Some(Harm::PerhapsReplaced)),
            (queue, ChangeAction::Remove, None, Some(Harm::Deleted)),
            ("AWS::Lambda::Function", ChangeAction::Remove, None, None),
            ("AWS::Logs::LogGroup", ChangeAction::Remove, None, Some(Harm::Deleted)),
        ] {
            let found = risks(&[change(kind, action.clone(), replacement)]);
            assert_eq!(found.first().map(|risk| risk.harm), harm, "{kind} {action:?}");
        }
    }
}
