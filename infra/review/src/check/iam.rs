//! Who may do what.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
};
use crate::check::context::Facts;
use cfn::view::{
    Field, items,
    policies::{self, OwnedStatement, Purpose},
    statements::covers,
    text::Text,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "IAM-1",
        severity: Warning,
        title: "no policy allows every action",
        why: "whoever has it may do everything, also what nobody thought of",
        mend: "list the actions that are needed",
        find: every_action,
    },
    Rule {
        id: "SEC-2",
        severity: Warning,
        title: "no policy allows every action of a service",
        why: "`service:*` holds deleting and giving rights away, and every action that the service learns later",
        mend: "list the actions that are needed",
        find: every_action_of_a_service,
    },
    Rule {
        id: "IAM-2",
        severity: Warning,
        title: "what can be limited to a resource is",
        why: "with `*` it may be done with the data of every other application of the account",
        mend: "name the resources: a Ref or Fn::GetAtt of what is needed",
        find: every_resource,
    },
    Rule {
        id: "IAM-3",
        severity: Error,
        title: "a statement has what IAM asks for",
        why: "IAM refuses a malformed policy, and the deployment fails (MalformedPolicyDocument)",
        mend: "see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
        find: malformed,
    },
    Rule {
        id: "IAM-4",
        severity: Warning,
        title: "not everyone may become a role",
        why: "with the principal `*` and no condition, every account of AWS may use the role",
        mend: "name the service or the account",
        find: trust_everyone,
    },
    Rule {
        id: "IAM-5",
        severity: Error,
        title: "a policy's version is one that IAM knows",
        why: "2012-10-17 and 2008-10-17 are versions of the language, not dates of the policy",
        mend: "write Version: \"2012-10-17\"",
        find: version,
    },
    Rule {
        id: "IAM-6",
        severity: Error,
        title: "an action is a service and its action",
        why: "IAM refuses an action without a vendor prefix",
        mend: "write it as service:Action",
        find: action_form,
    },
    Rule {
        id: "IAM-7",
        severity: Warning,
        title: "an action exists",
        why: "IAM takes an action that is misspelt and allows nothing by it",
        mend: "correct the name, see https://docs.aws.amazon.com/service-authorization/latest/reference/",
        find: unknown_action,
    },
    Rule {
        id: "IAM-8",
        severity: Warning,
        title: "no managed policy allows everything",
        why: "AdministratorAccess and policies that end in FullAccess hold far more than an application needs",
        mend: "write a policy with the actions that are needed",
        find: managed,
    },
];

/// Actions whose resource can be named, and whose misuse reaches other applications' data.
const LIMITABLE: [&str; 26] = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "iam:PassRole",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "lambda:InvokeFunction",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:PurgeQueue",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "ssm:GetParameter",
    "states:StartExecution",
    "sts:AssumeRole",
];

/// Every action of SQS, and what older policies call its batches.
///
/// Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>
const SQS: [&str; 23] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

fn every_action(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { statement, .. } in facts.statements().iter().filter(|one| one.statement.allows()) {
        let all = statement.actions().into_iter().filter(|(_, action)| action == "*" || action == "*:*");
        faults.extend(all.map(|(path, _)| Fault::new(path, "allows every action of every service")));
    }
    faults
}

fn every_action_of_a_service(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { purpose, statement, .. } in facts.statements().iter().filter(|one| one.statement.allows()) {
        // A key that its account may not do everything with could never be administered again.
        if *purpose == Purpose::Key {
            continue;
        }
        for (path, action) in statement.actions() {
            if let Some((service, "*")) = action.split_once(':').filter(|(service, _)| *service != "*") {
                faults.push(Fault::new(path, format!("allows every action of {service}")));
            }
        }
    }
    faults
}

fn every_resource(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { purpose, statement, .. } in facts.statements() {
        if *purpose != Purpose::Identity || !statement.allows() || statement.is_conditional() {
            continue;
        }
        let Some((path, _)) = statement.resources().into_iter().find(|(_, one)| one.as_str() == Some("*")) else {
            continue;
        };
        let actions = statement.actions();
        // `*` and `service:*` have rules of their own.
        let narrow = actions.iter().filter(|(_, action)| action != "*" && !action.ends_with(":*"));
        let limitable: Vec<&str> = narrow
            .filter(|(_, pattern)| LIMITABLE.iter().any(|action| covers(pattern, action)))
            .map(|(_, action)| action.as_str())
            .collect();
        if !limitable.is_empty() {
            faults.push(Fault::new(path, format!("allows {} on every resource", limitable.join(", "))));
        }
    }
    faults
}

fn malformed(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { purpose, statement, .. } in facts.statements() {
        let lacks = |name: &str| matches!(statement.field(name), Field::Absent);
        let has = |name: &str| matches!(statement.field(name), Field::Is(_));
        let mut say = |message: &str| faults.push(Fault::new(statement.path.clone(), message));
        match statement.field("Effect") {
            Field::Absent => say("the statement has no Effect"),
            Field::Is(Json::String(effect)) if effect != "Allow" && effect != "Deny" => {
                say(&format!("the Effect {effect} is neither Allow nor Deny"));
            }
            _ => {}
        }
        if lacks("Action") && lacks("NotAction") {
            say("the statement has neither Action nor NotAction");
        }
        if has("Action") && has("NotAction") {
            say("the statement has both Action and NotAction");
        }
        if has("Resource") && has("NotResource") {
            say("the statement has both Resource and NotResource");
        }
        let no_principal = lacks("Principal") && lacks("NotPrincipal");
        let no_resource = lacks("Resource") && lacks("NotResource");
        match purpose {
            Purpose::Identity if no_resource => say("the statement has neither Resource nor NotResource"),
            Purpose::Identity if has("Principal") || has("NotPrincipal") => {
                say("the statement has a principal, and what a role or user may do has none");
            }
            Purpose::Trust if has("Resource") || has("NotResource") => {
                say("the statement has a resource, and who may become a role has none");
            }
            Purpose::Trust | Purpose::Resource | Purpose::Key if no_principal => say("the statement has no Principal"),
            _ => {}
        }
    }
    faults
}

fn trust_everyone(facts: &Facts<'_>) -> Vec<Fault> {
    let trusts = facts.statements().iter().filter(|one| one.purpose == Purpose::Trust).map(|one| &one.statement);
    let open = trusts.filter(|one| one.allows() && one.is_for_everyone() && !one.is_conditional());
    open.map(|one| Fault::new(one.path.key("Principal"), "everyone may become this role")).collect()
}

fn version(facts: &Facts<'_>) -> Vec<Fault> {
    let all = policies::all(facts).into_iter();
    all.filter_map(|policy| {
        let version = Field::of(policy.document).member("Version").value()?.as_str()?;
        let known = ["2012-10-17", "2008-10-17"].contains(&version);
        (!known).then(|| Fault::new(policy.path.key("Version"), format!("there is no version {version}")))
    })
    .collect()
}

fn action_form(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { statement, .. } in facts.statements() {
        for (path, action) in statement.actions() {
            let formed = action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
            if action != "*" && !formed {
                faults.push(Fault::new(path, format!("{action} names no service")));
            }
        }
    }
    faults
}

fn unknown_action(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for OwnedStatement { statement, .. } in facts.statements() {
        for (path, action) in statement.actions() {
            let Some((service, name)) = action.split_once(':') else { continue };
            if service.eq_ignore_ascii_case("sqs") && !SQS.iter().any(|known| covers(name, known)) {
                faults.push(Fault::new(path, format!("SQS has no action {name}")));
            }
        }
    }
    faults
}

fn managed(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.resources().filter(|thing| thing.resource.kind.starts_with("AWS::IAM::")) {
        let Field::Is(arns) = thing.field("ManagedPolicyArns") else { continue };
        for (path, arn) in items(arns, &thing.at("ManagedPolicyArns")) {
            let shown = Text::of(arn).shown();
            let Some((_, name)) = shown.split_once(":iam::aws:policy/") else { continue };
            if name == "AdministratorAccess" || name.ends_with("FullAccess") {
                faults.push(Fault::new(path, format!("{name} is attached")));
            }
        }
    }
    faults
}
