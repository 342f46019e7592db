//! A stack as CloudFormation describes it, at one moment.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::{
    primitives::{DateTime, DateTimeFormat},
    types::{self, StackStatus},
};

use crate::{
    Failure,
    failure::{failure, says},
    target::Target,
};

/// A stack at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    /// The ARN: a name can become another stack's, and a deleted stack answers to its ARN alone.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: StackStatus,
    pub(crate) reason: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) outputs: Vec<Output>,
    /// The change set that made it what it is, or is being executed.
    pub(crate) change_set: Option<String>,
    /// When it was made or last updated, as RFC 3339.
    pub(crate) changed: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// ARNs of the topics that hear of each event.
    pub(crate) notifications: Vec<String>,
    pub(crate) termination_protection: bool,
}

/// What a stack says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) description: String,
}

impl Stack {
    /// The stack of this name or ARN; nothing when there is none. A deleted stack is found by its ARN only.
    ///
    /// # Errors
    /// When AWS does not say.
    pub(crate) async fn find(target: &Target, name_or_arn: &str) -> Result<Option<Self>, Failure> {
        let answer = target.aws.cloudformation().describe_stacks().stack_name(name_or_arn).send().await;
        match answer {
            Ok(answer) => Ok(answer.stacks().first().map(Self::from)),
            // CloudFormation has no code of its own for this.
            Err(error) if says(&error, "does not exist") => Ok(None),
            Err(error) => Err(failure(&error, &format!("cannot read the stack {name_or_arn}"))),
        }
    }

    /// The stack of the environment, which must be there.
    ///
    /// # Errors
    /// When AWS does not say, or there is no such stack.
    pub(crate) async fn of(target: &Target) -> Result<Self, Failure> {
        Self::find(target, &target.stack).await?.ok_or_else(|| missing(target))
    }

    /// Whether nothing was ever made in it.
    pub(crate) fn is_in_review(&self) -> bool {
        self.status == StackStatus::ReviewInProgress
    }
}

/// There is no such stack.
pub(crate) fn missing(target: &Target) -> Failure {
    let Target { stack, region, account, .. } = target;
    let message = format!("there is no stack {stack} in account {account}, {region}");
    Failure::new(message, "deploy it first, or name another region with --region")
}

impl From<&types::Stack> for Stack {
    fn from(stack: &types::Stack) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let parameters = stack.parameters().iter();
        let outputs = stack.outputs().iter();
        Self {
            id: text(stack.stack_id()),
            name: text(stack.stack_name()),
            status: stack.stack_status().cloned().unwrap_or(StackStatus::ReviewInProgress),
            reason: text(stack.stack_status_reason()),
            parameters: parameters
                .map(|parameter| (text(parameter.parameter_key()), text(parameter.parameter_value())))
                .collect(),
            outputs: outputs
                .map(|output| Output {
                    name: text(output.output_key()),
                    value: text(output.output_value()),
                    description: text(output.description()),
                })
                .collect(),
            change_set: stack.change_set_id().map(str::to_owned),
            changed: stack.last_updated_time().or(stack.creation_time()).map(rfc3339).unwrap_or_default(),
            tags: tags(stack.tags()),
            notifications: stack.notification_arns().to_vec(),
            termination_protection: stack.enable_termination_protection() == Some(true),
        }
    }
}

/// Tags by their names.
pub(crate) fn tags(tags: &[types::Tag]) -> BTreeMap<String, String> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

/// A time as RFC 3339.
pub(crate) fn rfc3339(time: &DateTime) -> String {
    time.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}
