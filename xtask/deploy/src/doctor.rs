//! `doctor`: what of AWS lacks for deploying: credentials, account, region, permissions.
//!
//! Only reads. Permissions are asked of IAM's own simulator, which knows the policies of whoever is signed in and those of
//! the organization, and does nothing:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>. It does not know the policies of
//! the resources, and conditions that need a request's details; AWS has the last word when it is asked to do the thing.

mod actions;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use clap::Args;
use serde::{Deserialize, Serialize};

use actions::Place;

use crate::{
    Failure,
    aws::call::IAM,
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
        Err(Failure { message, help, .. }) => {
            let after = |name, needed_for| {
                let found = "not checked: it needs credentials for the environment's account".to_owned();
                lacks(name, found, needed_for, help.clone())
            };
            vec![
                lacks("AWS credentials", message, AWS_COMMANDS, help.clone()),
                after("AWS account", AWS_COMMANDS),
                after("AWS region", AWS_COMMANDS),
                after("AWS permissions", NEEDED_FOR),
            ]
        }
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

/// Every action that a deployment needs, asked of IAM for the stack's own resources.
async fn permissions(target: &Target, options: &Options) -> Check {
    let name = "AWS permissions";
    let principal = match principal(target).await {
        Ok(Some(principal)) => principal,
        Ok(None) => {
            return there(name, format!("all: {} is the account itself", target.caller), NEEDED_FOR);
        }
        Err(failure) => return unknown(name, failure),
    };
    let Target { region, account, stack, .. } = target;
    let partition = principal.split(':').nth(1).unwrap_or("aws");
    let (needed, unknown_kinds) = actions::needed(&options.kinds, &Place { partition, region, account, stack });
    let mut denied: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (resource, actions) in &needed {
        match refused(target, &principal, resource, actions).await {
            Ok(refused) if refused.is_empty() => {}
            Ok(refused) => {
                denied.insert(resource, refused);
            }
            Err(failure) => return unknown(name, failure),
        }
    }
    let unknown = match unknown_kinds.as_slice() {
        [] => String::new(),
        unknown => format!("; what these need is not known here: {}", unknown.join(", ")),
    };
    let all: usize = needed.values().map(BTreeSet::len).sum();
    let missing: usize = denied.values().map(Vec::len).sum();
    if missing == 0 {
        return there(name, format!("all {all} actions are allowed{unknown}"), NEEDED_FOR);
    }
    let found = format!("{missing} of {all} actions are not allowed{unknown}");
    let mend = format!("have an administrator add this policy to {principal}\n{}", policy(&denied));
    lacks(name, found, NEEDED_FOR, mend)
}

const NEEDED_FOR: &str = "cargo xtask deploy";

fn unknown(name: &'static str, failure: Failure) -> Check {
    let found = format!("not known, which need not stop a deployment: {}", failure.message);
    lacks(name, found, "knowing it before", failure.help)
}

/// The actions that IAM does not allow on a resource; `*` at its end stands for any name of the stack's.
async fn refused(
    target: &Target,
    principal: &str,
    resource: &str,
    actions: &BTreeSet<&'static str>,
) -> Result<Vec<String>, Failure> {
    // A role may be allowed less than everything: so one name is asked for, as the stack has it.
    let example = if resource == "*" { resource.to_owned() } else { resource.replace('*', "0") };
    let (mut denied, mut decided, mut marker) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let request = SimulatePrincipalPolicy {
            policy_source_arn: principal,
            action_names: actions,
            resource_arns: [&example],
            marker: marker.as_deref(),
        };
        let answer = target.aws.call(&IAM, "SimulatePrincipalPolicy", &request).await;
        let answer: Simulation = answer.map_err(|error| failure(&error, "cannot ask IAM what is allowed"))?;
        for EvaluationResult { eval_action_name, eval_decision } in answer.evaluation_results.into_iter().flatten() {
            if eval_decision != "allowed" {
                denied.push(printable(&eval_action_name));
            }
            decided.insert(eval_action_name);
        }
        marker = answer.marker;
        if marker.is_none() {
            // An action without a decision is unknown, and not allowed.
            let unknown: Vec<_> = actions.iter().filter(|action| !decided.contains(**action)).copied().collect();
            if !unknown.is_empty() {
                let message = format!("IAM returned no decision on {} for {example}", unknown.join(", "));
                return Err(Failure::new(message, "run doctor again"));
            }
            denied.sort();
            return Ok(denied);
        }
    }
}

/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SimulatePrincipalPolicy<'a> {
    /// The user or role whose policies decide.
    policy_source_arn: &'a str,
    action_names: &'a BTreeSet<&'static str>,
    resource_arns: [&'a str; 1],
    /// `Marker` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<&'a str>,
}

/// A page of the simulator's decisions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simulation {
    evaluation_results: Option<Vec<EvaluationResult>>,
    /// There is another page; None on the last one.
    marker: Option<String>,
}

/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EvaluationResult {
    /// The action, such as `sqs:CreateQueue`.
    eval_action_name: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    eval_decision: String,
}

/// The policy that allows what is denied.
fn policy(denied: &BTreeMap<&str, Vec<String>>) -> String {
    let statement = |(resource, actions): (&&str, &Vec<String>)| serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let statements: Vec<_> = denied.iter().map(statement).collect();
    format!("{:#}", serde_json::json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// Whose policies decide: a user's own, or those of the role that a session has. None for the account itself, which may do all.
///
/// # Errors
/// When the role cannot be read.
async fn principal(target: &Target) -> Result<Option<String>, Failure> {
    let caller = target.caller.as_str();
    if caller.ends_with(":root") {
        return Ok(None);
    }
    let Some(role) = role(caller) else { return Ok(Some(caller.to_owned())) };
    // A session's ARN leaves out the role's path, as `/aws-reserved/sso.amazonaws.com/` of IAM Identity Center.
    let found = target.aws.call(&IAM, "GetRole", &GetRole { role_name: role }).await;
    let found: RoleFound = found.map_err(|error| failure(&error, &format!("cannot read the role {role}")))?;
    Ok(Some(printable(&found.role.arn)))
}

/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetRole<'a> {
    role_name: &'a str,
}

/// The result of `GetRole`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleFound {
    role: Role,
}

/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    /// With the role's path.
    arn: String,
}

/// The name of the role that a session has.
fn role(caller: &str) -> Option<&str> {
    let (_, rest) = caller.split_once(":sts::")?;
    rest.split_once(":assumed-role/")?.1.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_its_role_without_a_path() {
        assert_eq!(role("arn:aws:iam::111111111111:user/ann"), None);
        assert_eq!(role("arn:aws:sts::111111111111:assumed-role/Deployer/ann@example.com"), Some("Deployer"));
        assert_eq!(role("arn:aws:sts::111111111111:federated-user/ann"), None);
    }

    #[test]
    fn missing_policy_is_json_that_iam_reads() {
        let denied = BTreeMap::from([("arn:aws:sqs:eu-west-1:1:s-*", vec!["sqs:CreateQueue".to_owned()])]);
        let policy: serde_json::Value = serde_json::from_str(&policy(&denied)).unwrap();
        let wanted = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": ["sqs:CreateQueue"], "Resource": "arn:aws:sqs:eu-west-1:1:s-*" }]
        });
        assert_eq!(policy, wanted);
    }
}
