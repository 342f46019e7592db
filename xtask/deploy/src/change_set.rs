//! Change sets: what CloudFormation would do, before it does it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::{
    Capability, Change, ChangeSetStatus, ChangeSetType, ExecutionStatus, Parameter, ResourceChange,
    RollbackConfiguration, RollbackTrigger,
};
use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    failure::{failure, says},
    heartbeat,
    stack::{rfc3339, tags},
    target::Target,
    text::printable,
    token,
};

/// What a change set is made of.
pub(crate) struct Wish {
    pub(crate) kind: ChangeSetType,
    /// `deploy-...` or `plan-...`; no other has it.
    pub(crate) name: String,
    /// Who made it, where and when.
    pub(crate) description: String,
    pub(crate) template: TemplateSource,
    pub(crate) parameters: BTreeMap<String, String>,
    /// The parameters that keep the value which the stack has, whatever it is.
    pub(crate) kept: BTreeSet<String>,
    pub(crate) rollback: Rollback,
}

/// When CloudFormation undoes an update on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    /// ARNs of alarms.
    pub(crate) alarms: Vec<String>,
    /// How long the alarms are watched once everything is in place, in minutes.
    pub(crate) minutes: u32,
}

impl Rollback {
    fn of(configuration: &RollbackConfiguration) -> Self {
        let alarms = configuration.rollback_triggers().iter();
        let mut alarms: Vec<_> = alarms.filter_map(|trigger| trigger.arn()).map(str::to_owned).collect();
        alarms.sort();
        let minutes = configuration.monitoring_time_in_minutes().and_then(|minutes| u32::try_from(minutes).ok());
        Self { alarms, minutes: minutes.unwrap_or(0) }
    }
}

/// How CloudFormation gets the template.
pub(crate) enum TemplateSource {
    /// At most 51,200 bytes.
    Body(String),
    Url(String),
}

/// A change set as CloudFormation describes it.
#[derive(Clone, Debug)]
pub(crate) struct ChangeSet {
    /// The ARN.
    pub(crate) id: String,
    pub(crate) stack_id: String,
    pub(crate) description: String,
    pub(crate) status: ChangeSetStatus,
    pub(crate) execution: ExecutionStatus,
    pub(crate) reason: String,
    pub(crate) changes: Vec<ResourceChange>,
    pub(crate) parameters: BTreeMap<String, String>,
    /// Such as `CAPABILITY_NAMED_IAM`.
    pub(crate) capabilities: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// ARNs of the topics that would hear of each event.
    pub(crate) notifications: Vec<String>,
    /// None where the endpoint does not report it, as an emulator may not.
    pub(crate) rollback: Option<Rollback>,
    /// Imports resources that exist outside the stack.
    pub(crate) imports: bool,
}

impl ChangeSet {
    /// Whether CloudFormation found nothing to change. It calls that a failure, and tells it in words only.
    pub(crate) fn is_empty(&self) -> bool {
        let nothing = ["didn't contain changes", "No updates are to be performed"];
        self.status == ChangeSetStatus::Failed && nothing.iter().any(|words| self.reason.contains(words))
    }

    /// Whether CloudFormation still makes it.
    fn is_open(&self) -> bool {
        matches!(self.status, ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress)
    }

    /// Whether it can be executed.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == ChangeSetStatus::CreateComplete && self.execution == ExecutionStatus::Available
    }
}

/// Capabilities that each deployment acknowledges: the stack has roles with names.
pub(crate) const CAPABILITY: Capability = Capability::CapabilityNamedIam;

/// A name that no other change set has.
pub(crate) fn name(purpose: &str) -> String {
    format!("{purpose}-{}", token())
}

/// What CloudFormation says when the stack is no longer as it was when it was looked at.
const MOVED: [&str; 6] = [
    "InvalidChangeSetStatus",
    "ChangeSetNotFound",
    "can not be updated",
    "cannot be created again",
    "does not exist",
    "IN_PROGRESS",
];

/// Asks for a change set; answers its ARN, or nothing when somebody else changed the stack meanwhile.
///
/// # Errors
/// When CloudFormation refuses the wish.
pub(crate) async fn ask(target: &Target, wish: &Wish) -> Result<Option<String>, Failure> {
    let triggers = wish.rollback.alarms.iter();
    let triggers = triggers.map(|arn| RollbackTrigger::builder().arn(arn).r#type("AWS::CloudWatch::Alarm").build());
    let minutes = i32::try_from(wish.rollback.minutes).unwrap_or(i32::MAX);
    let rollback = RollbackConfiguration::builder()
        .set_rollback_triggers(Some(triggers.collect()))
        .monitoring_time_in_minutes(minutes)
        .build();
    let given = wish.parameters.iter();
    let given = given.map(|(name, value)| Parameter::builder().parameter_key(name).parameter_value(value).build());
    let kept = wish.kept.iter().map(|name| Parameter::builder().parameter_key(name).use_previous_value(true).build());
    let (body, url) = match &wish.template {
        TemplateSource::Body(body) => (Some(body.clone()), None),
        TemplateSource::Url(url) => (None, Some(url.clone())),
    };
    let asked = target
        .aws
        .cloudformation()
        .create_change_set()
        .stack_name(&target.stack)
        .change_set_name(&wish.name)
        .change_set_type(wish.kind.clone())
        .description(&wish.description)
        .client_token(&wish.name)
        .set_template_body(body)
        .set_template_url(url)
        .set_parameters(Some(given.chain(kept).collect()))
        .capabilities(CAPABILITY)
        .rollback_configuration(rollback)
        .send()
        .await;
    match asked {
        Ok(made) => Ok(Some(made.id().unwrap_or(&wish.name).to_owned())),
        // Nobody else has the name: an earlier try of this call was heard, and its answer lost.
        Err(error) if says(&error, "AlreadyExistsException") => Ok(Some(wish.name.clone())),
        Err(error) if MOVED.iter().any(|words| says(&error, words)) => Ok(None),
        Err(error) => Err(failure(&error, "CloudFormation makes no change set")),
    }
}

/// Waits until CloudFormation has reckoned what it would do; nothing when somebody else changed the stack meanwhile, which
/// deletes all its change sets.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn made(target: &Target, name_or_arn: &str) -> Result<Option<ChangeSet>, Failure> {
    let _waiting = heartbeat::waiting_for("CloudFormation to create the change set");
    let mut wait = target.aws.pace.first;
    loop {
        let found = describe(target, name_or_arn).await?;
        if !found.as_ref().is_some_and(ChangeSet::is_open) {
            return Ok(found);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(target.aws.pace.longest_look());
    }
}

/// A change set with all its changes; nothing when there is none.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn describe(target: &Target, name_or_arn: &str) -> Result<Option<ChangeSet>, Failure> {
    let mut found: Option<ChangeSet> = None;
    let mut token = None;
    loop {
        let request = target.aws.cloudformation().describe_change_set().change_set_name(name_or_arn);
        // An ARN says by itself which stack's it is.
        let stack = (!name_or_arn.starts_with("arn:")).then(|| target.stack.clone());
        let answer = request.set_stack_name(stack).set_next_token(token).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if says(&error, "ChangeSetNotFound") || says(&error, "does not exist") => return Ok(None),
            Err(error) => return Err(failure(&error, "cannot read the change set")),
        };
        let changes = answer.changes().iter().filter_map(Change::resource_change).cloned();
        match &mut found {
            Some(found) => found.changes.extend(changes),
            None => {
                let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
                found = Some(ChangeSet {
                    id: text(answer.change_set_id()),
                    stack_id: text(answer.stack_id()),
                    description: printable(answer.description().unwrap_or_default()),
                    status: answer.status().cloned().unwrap_or(ChangeSetStatus::CreatePending),
                    execution: answer.execution_status().cloned().unwrap_or(ExecutionStatus::Unavailable),
                    reason: text(answer.status_reason()),
                    changes: changes.collect(),
                    parameters: answer
                        .parameters()
                        .iter()
                        .map(|parameter| (text(parameter.parameter_key()), text(parameter.parameter_value())))
                        .collect(),
                    capabilities: answer.capabilities().iter().map(|each| each.as_str().to_owned()).collect(),
                    tags: tags(answer.tags()),
                    notifications: answer.notification_arns().to_vec(),
                    rollback: answer.rollback_configuration().map(Rollback::of),
                    imports: answer.import_existing_resources() == Some(true),
                });
            }
        }
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Lets CloudFormation do it; answers whether it began, or somebody else changed the stack before.
///
/// # Errors
/// When AWS refuses for another reason than that somebody was first.
pub(crate) async fn execute(target: &Target, change_set: &ChangeSet) -> Result<bool, Failure> {
    let cloudformation = target.aws.cloudformation();
    let asked = cloudformation.execute_change_set().change_set_name(&change_set.id).client_request_token(token());
    let error = match asked.send().await {
        Ok(_) => return Ok(true),
        Err(error) => error,
    };
    if !MOVED.iter().any(|words| says(&error, words)) {
        return Err(failure(&error, "CloudFormation does not execute the change set"));
    }
    // An earlier try of this call may have been heard, and its answer lost.
    let now = describe(target, &change_set.id).await?;
    Ok(now.is_some_and(|now| {
        matches!(
            now.execution,
            ExecutionStatus::ExecuteInProgress | ExecutionStatus::ExecuteComplete | ExecutionStatus::ExecuteFailed
        )
    }))
}

/// Throws a change set away.
///
/// # Errors
/// When AWS refuses.
pub(crate) async fn discard(target: &Target, change_set: &str) -> Result<(), Failure> {
    let request = target.aws.cloudformation().delete_change_set().change_set_name(change_set);
    let stack = (!change_set.starts_with("arn:")).then(|| target.stack.clone());
    match request.set_stack_name(stack).send().await {
        Ok(_) => Ok(()),
        Err(error) if says(&error, "does not exist") || says(&error, "ChangeSetNotFound") => Ok(()),
        Err(error) => Err(failure(&error, "cannot delete the change set")),
    }
}

/// The change sets of the environment's stack that wait to be executed, as who made them says.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn waiting(target: &Target) -> Result<Vec<Waiting>, Failure> {
    let listed = target.aws.cloudformation().list_change_sets().stack_name(&target.stack).send().await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) if says(&error, "does not exist") => return Ok(Vec::new()),
        Err(error) => return Err(failure(&error, "cannot list the change sets")),
    };
    let found = listed.summaries().iter().map(|summary| Waiting {
        name: printable(summary.change_set_name().unwrap_or_default()),
        made_by: printable(summary.description().unwrap_or_default()),
        created: summary.creation_time().map(rfc3339).unwrap_or_default(),
        status: summary.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
    });
    Ok(found.collect())
}

/// A change set that was not executed.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Waiting {
    /// Its name.
    pub(crate) name: String,
    /// What its maker wrote into it: who, where and when.
    pub(crate) made_by: String,
    /// When it was made, as RFC 3339.
    pub(crate) created: String,
    /// CloudFormation's word, such as `CREATE_COMPLETE`.
    pub(crate) status: String,
}
