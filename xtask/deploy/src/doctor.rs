//! `doctor`: what of AWS lacks for deploying: credentials, account, region, permissions.
//!
//! Only reads. Permissions are asked of IAM's own simulator, which knows the policies of whoever is signed in and those of
//! the organization, and does nothing:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>. It does not know the policies of
//! the resources, and conditions that need a request's details; AWS has the last word when it is asked to do the thing.

mod actions;

use std::process::ExitCode;

use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use clap::Args;
use serde::Serialize;

use crate::{
    Failure,
    failure::{code, failure},
    target::{Target, TargetOptions},
    text::{print_json, printable},
};

/// What is asked for besides the target.
#[derive(Args)]
pub(crate) struct Options {
    /// A kind of resource that will be deployed, such as AWS::SQS::Queue; repeated for each
    #[arg(long = "kind", value_name = "TYPE")]
    kinds: Vec<String>,
}

/// What is printed, as JSON whatever the format: `cargo xtask doctor` puts it beside its own findings. Fields are added, never
/// changed or removed.
#[derive(Serialize)]
struct Findings {
    checks: Vec<Check>,
}

/// Something that was looked for.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    /// Whether it is as it must be.
    ok: bool,
    /// What is there, or why not.
    found: String,
    /// The commands that need it.
    needed_for: &'static str,
    /// What mends it, where it lacks.
    mend: Option<String>,
}

const AWS_COMMANDS: &str = "every command that speaks to AWS";

pub(crate) async fn run(target: &TargetOptions, options: &Options) -> Result<ExitCode, Failure> {
    let checks = match Target::resolve(target).await {
        Err(Failure { message, help, .. }) => vec![lacks("AWS credentials", message, AWS_COMMANDS, help)],
        Ok(target) => look(&target, options).await,
    };
    let lacking = checks.iter().any(|check| !check.ok);
    print_json(&Findings { checks })?;
    Ok(if lacking { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn there(name: &'static str, found: String, needed_for: &'static str) -> Check {
    Check { name, ok: true, found, needed_for, mend: None }
}

fn lacks(name: &'static str, found: String, needed_for: &'static str, mend: String) -> Check {
    Check { name, ok: false, found, needed_for, mend: Some(mend) }
}

async fn look(target: &Target, options: &Options) -> Vec<Check> {
    let endpoint = target.endpoint.as_ref().map_or(String::new(), |endpoint| format!(", at {endpoint}"));
    vec![
        there("AWS credentials", target.caller.clone(), AWS_COMMANDS),
        there("AWS account", format!("{}, as the environment names it", target.account), AWS_COMMANDS),
        region(target, &endpoint).await,
        permissions(target, options).await,
    ]
}

/// CloudFormation in the region answers; a region that the account has not turned on refuses any credentials.
async fn region(target: &Target, endpoint: &str) -> Check {
    let answer = target.aws.cloudformation().describe_stacks().stack_name(&target.stack).send().await;
    let name = "AWS region";
    match answer {
        Ok(_) => there(name, format!("{}{endpoint}; the stack {} is there", target.region, target.stack), AWS_COMMANDS),
        // CloudFormation's code for a stack that is not there.
        Err(error) if code(&error) == "ValidationError" => {
            let found = format!("{}{endpoint}; the stack {} is not there yet", target.region, target.stack);
            there(name, found, AWS_COMMANDS)
        }
        Err(error) => {
            let Failure { message, help, .. } = failure(&error, "CloudFormation cannot be asked");
            lacks(name, message, AWS_COMMANDS, help)
        }
    }
}

async fn permissions(target: &Target, options: &Options) -> Check {
    let (name, needed_for) = ("AWS permissions", "cargo xtask deploy");
    let (actions, unknown) = actions::needed(&options.kinds);
    let Some(principal) = principal(&target.caller) else {
        return there(name, format!("all: {} is the account itself", target.caller), needed_for);
    };
    let (mut denied, mut marker) = (Vec::new(), None);
    loop {
        let asked = target.aws.iam().simulate_principal_policy().policy_source_arn(&principal).set_marker(marker);
        let asked = actions.iter().fold(asked, |asked, action| asked.action_names(*action));
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let Failure { message, help, .. } = failure(&error, "IAM cannot be asked what is allowed");
                let message = format!("not known, which need not stop a deployment: {message}");
                return lacks(name, message, "knowing it before", help);
            }
        };
        let refused = answer.evaluation_results().iter();
        let refused = refused.filter(|one| *one.eval_decision() != PolicyEvaluationDecisionType::Allowed);
        denied.extend(refused.map(|one| printable(one.eval_action_name())));
        marker = answer.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    let unknown = match unknown.as_slice() {
        [] => String::new(),
        unknown => format!("; what these need is not known here: {}", unknown.join(", ")),
    };
    match denied.as_slice() {
        [] => there(name, format!("all {} actions are allowed{unknown}", actions.len()), needed_for),
        _ => {
            let found = format!("{} of {} actions are not allowed{unknown}", denied.len(), actions.len());
            let mend = format!("have an administrator allow {principal}\n{}", denied.join("\n"));
            lacks(name, found, needed_for, mend)
        }
    }
}

/// Whose policies decide: a user's own, or those of the role that a session has. None for the account itself, which may do all.
fn principal(caller: &str) -> Option<String> {
    if caller.ends_with(":root") {
        return None;
    }
    let session = caller.split_once(":sts::").and_then(|(partition, rest)| {
        let (account, role) = rest.split_once(":assumed-role/")?;
        let role = role.split('/').next()?;
        Some(format!("{partition}:iam::{account}:role/{role}"))
    });
    Some(session.unwrap_or_else(|| caller.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_permissions_are_its_roles() {
        let of = |caller| principal(caller);
        assert_eq!(of("arn:aws:iam::111111111111:user/ann").as_deref(), Some("arn:aws:iam::111111111111:user/ann"));
        assert_eq!(
            of("arn:aws:sts::111111111111:assumed-role/Deployer/ann@example.com").as_deref(),
            Some("arn:aws:iam::111111111111:role/Deployer")
        );
        assert_eq!(of("arn:aws:iam::111111111111:root"), None);
    }
}
