//! `doctor`: what lacks in AWS for deploying.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    endpoint::{Call, Endpoint},
    program::{IDENTITY, Said, run},
    scenarios::{Zips, scenarios},
};

const KINDS: [&str; 5] = ["doctor", "--kind", "AWS::SQS::Queue", "--kind", "AWS::IAM::Role"];

const NO_STACK: &str = "\
DescribeStacks:
  - { error: ValidationError, message: Stack with id paypal-subscriptions-prod does not exist }
";

/// What IAM's simulator answers: each action and its decision.
fn decisions(decisions: &[(&str, &str)]) -> String {
    let member = |(action, decision): &(&str, &str)| {
        format!("<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>")
    };
    format!("<EvaluationResults>{}</EvaluationResults>", decisions.iter().map(member).collect::<String>())
}

fn checks(said: &Said) -> Vec<Value> {
    let findings: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    findings["checks"].as_array().unwrap().clone()
}

/// Everything that doctor asks IAM, and for which resource.
fn asked(endpoint: &Endpoint) -> BTreeSet<(String, String)> {
    let simulated = endpoint.calls().into_iter().filter(|call| call.action == "SimulatePrincipalPolicy");
    let pairs = simulated.flat_map(|call| {
        let resource = call.fields["ResourceArns.member.1"].clone();
        let actions = call.fields.into_iter().filter(|(name, _)| name.starts_with("ActionNames.member."));
        actions.map(|(_, action)| (action, resource.clone())).collect::<Vec<_>>()
    });
    pairs.collect()
}

const ALLOWED: &str = "SimulatePrincipalPolicy:\n  - result: <EvaluationResults><Allowed/></EvaluationResults><IsTruncated>false</IsTruncated>\n";

#[tokio::test]
async fn doctor_asks_for_every_action_of_the_stacks_own_resources() {
    let endpoint = Endpoint::of(&format!("{IDENTITY}{NO_STACK}{ALLOWED}")).await;
    let said = run(&endpoint, &KINDS).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let checks = checks(&said);
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["AWS credentials", "AWS account", "AWS region", "AWS permissions"]);
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    assert_eq!(checks[0]["found"], "arn:aws:iam::222222222222:user/ops");
    let asked = asked(&endpoint);
    assert_eq!(checks[3]["found"], format!("all {} actions are allowed", asked.len()));
    for (action, resource) in [
        (
            "cloudformation:SetStackPolicy",
            "arn:aws:cloudformation:eu-west-1:222222222222:stack/paypal-subscriptions-prod/0",
        ),
        ("s3:CreateBucket", "arn:aws:s3:::paypal-subscriptions-prod-artifacts-0"),
        ("sqs:DeleteQueue", "arn:aws:sqs:eu-west-1:222222222222:paypal-subscriptions-prod-0"),
        ("iam:DeleteRolePolicy", "arn:aws:iam::222222222222:role/paypal-subscriptions-prod-0"),
    ] {
        assert!(asked.contains(&(action.to_owned(), resource.to_owned())), "{action} on {resource}: {asked:?}");
    }
    let simulated = endpoint.calls().into_iter().find(|call| call.action == "SimulatePrincipalPolicy").unwrap();
    assert_eq!(simulated.fields["PolicySourceArn"], "arn:aws:iam::222222222222:user/ops");
}

/// IAM answers in pages, and denies on the second one.
#[tokio::test]
async fn missing_permissions_are_the_exact_policy_as_json() {
    let (first, second) =
        (decisions(&[("sqs:CreateQueue", "allowed")]), decisions(&[("cloudformation:GetStackPolicy", "implicitDeny")]));
    let second = second.replace("</EvaluationResults>", "<Allowed/></EvaluationResults>");
    let script = format!(
        "{IDENTITY}{NO_STACK}SimulatePrincipalPolicy:\n  \
         - result: {first}<IsTruncated>true</IsTruncated><Marker>next</Marker>\n  \
         - result: {second}<IsTruncated>false</IsTruncated>\n  \
         - result: <EvaluationResults><Allowed/></EvaluationResults><IsTruncated>false</IsTruncated>\n"
    );
    let endpoint = Endpoint::of(&script).await;
    let said = run(&endpoint, &KINDS).await;
    let checks = checks(&said);
    assert_eq!(said.code, Some(1));
    let found = checks[3]["found"].as_str().unwrap();
    assert!(found.starts_with("1 of ") && found.ends_with(" actions are not allowed"), "{found}");
    let mend = checks[3]["mend"].as_str().unwrap();
    let (first, policy) = mend.split_once('\n').unwrap();
    assert_eq!(first, "have an administrator add this policy to arn:aws:iam::222222222222:user/ops");
    let policy: Value = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    assert_eq!(policy["Statement"][0]["Action"], serde_json::json!(["cloudformation:GetStackPolicy"]));
    let resource = policy["Statement"][0]["Resource"].as_str().unwrap();
    assert!(resource.starts_with("arn:aws:cloudformation:") && resource.ends_with("/*"), "{resource}");
    assert!(endpoint.calls().iter().any(|call| call.fields.get("Marker").is_some_and(|marker| marker == "next")));
}

/// `aws sso login` gives a session of a role with a path, which the session's ARN leaves out.
#[tokio::test]
async fn role_with_a_path_is_asked_for_by_its_own_arn() {
    let session = "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_Administrator_0a1b/ann@example.com";
    let role =
        "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Administrator_0a1b";
    let identity = format!("GetCallerIdentity:\n  - result: <Arn>{session}</Arn><Account>222222222222</Account>\n");
    let known = format!(
        "GetRole:\n  - result: <Role><Arn>{role}</Arn><RoleName>x</RoleName><Path>/</Path><RoleId>i</RoleId><CreateDate>2026-11-01T00:00:00Z</CreateDate></Role>\n"
    );
    let endpoint = Endpoint::of(&format!("{identity}{NO_STACK}{known}{ALLOWED}")).await;
    let said = run(&endpoint, &KINDS).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let calls = endpoint.calls();
    let asked = calls.iter().find(|call| call.action == "GetRole").unwrap();
    assert_eq!(asked.fields["RoleName"], "AWSReservedSSO_Administrator_0a1b");
    let simulated = calls.iter().filter(|call| call.action == "SimulatePrincipalPolicy");
    assert!(simulated.clone().count() > 3 && simulated.clone().all(|call| call.fields["PolicySourceArn"] == role));

    // Whoever may not read the role learns that it is not known, not that the role lacks something.
    let denied = "GetRole:\n  - { status: 403, error: AccessDenied, message: \"User: x is not authorized to perform: iam:GetRole on resource: arn:x\" }\n";
    let said = run(&Endpoint::of(&format!("{identity}{NO_STACK}{denied}{ALLOWED}")).await, &KINDS).await;
    let found = checks(&said)[3]["found"].as_str().unwrap().to_owned();
    assert!(found.starts_with("not known, which need not stop a deployment: cannot read the role"), "{found}");
}

/// The action that IAM checks for a call.
fn actions_of(call: &Call) -> Vec<String> {
    let name = call.action.as_str();
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match name.split_once(' ') {
        Some(("GET", path)) if path.ends_with("/configuration") => all(&["lambda:GetFunctionConfiguration"]),
        Some(("HEAD", _)) => all(&["s3:GetObject", "s3:ListBucket"]),
        Some(("PUT", _)) if call.fields.contains_key("tagging") => all(&["s3:PutObjectTagging"]),
        Some(("PUT", _)) => all(&["s3:PutObject"]),
        Some(("DELETE", _)) if call.fields.contains_key("tagging") => all(&["s3:DeleteObjectTagging"]),
        Some(other) => panic!("{other:?} is new: say here which action it is"),
        // IAM allows it to everybody.
        None if name == "GetCallerIdentity" => Vec::new(),
        None if name == "DescribeAlarms" => all(&["cloudwatch:DescribeAlarms"]),
        None if name == "GetQueueAttributes" => all(&["sqs:GetQueueAttributes"]),
        None => vec![format!("cloudformation:{name}")],
    }
}

/// Deployments in each state of a stack and with each failure, as the scenarios have them.
#[tokio::test]
async fn every_call_of_a_deployment_is_an_action_that_doctor_asks_for() {
    let kinds = ["AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::CloudWatch::Alarm"];
    let arguments: Vec<_> = ["doctor"].into_iter().chain(kinds.iter().flat_map(|kind| ["--kind", kind])).collect();
    let endpoint = Endpoint::of(&format!("{IDENTITY}{NO_STACK}{ALLOWED}")).await;
    assert_eq!(run(&endpoint, &arguments).await.code, Some(0));
    let asked: BTreeSet<_> = asked(&endpoint).into_iter().map(|(action, _)| action).collect();
    let mut called = BTreeSet::new();
    for (name, scenario) in scenarios() {
        let zips = Zips::new(&format!("doctor-{name}"));
        let endpoint = scenario.endpoint(&zips).await;
        let arguments = scenario.arguments(&zips);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        if !["deploy", "plan", "destroy"].contains(&arguments[0]) {
            continue;
        }
        let _ended = run(&endpoint, &arguments).await;
        called.extend(endpoint.calls().iter().flat_map(actions_of));
    }
    for expected in ["SetStackPolicy", "RollbackStack", "ContinueUpdateRollback", "CreateStack", "DeleteStack"] {
        assert!(called.contains(&format!("cloudformation:{expected}")), "no scenario calls {expected}: {called:?}");
    }
    let missing: Vec<_> = called.difference(&asked).collect();
    assert!(missing.is_empty(), "doctor does not ask for {missing:?}");
}

#[tokio::test]
async fn whoever_may_not_ask_the_simulator_is_told_that_it_is_not_known() {
    let denied = "{ status: 403, error: AccessDenied, message: \"User: arn:aws:iam::222222222222:user/ops is not \
                  authorized to perform: iam:SimulatePrincipalPolicy on resource: arn:x\" }";
    let script = format!("{IDENTITY}{NO_STACK}SimulatePrincipalPolicy:\n  - {denied}\n");
    let checks = checks(&run(&Endpoint::of(&script).await, &KINDS).await);
    let found = checks[3]["found"].as_str().unwrap();
    assert!(found.starts_with("not known, which need not stop a deployment: "), "{found}");
    assert_eq!(checks[3]["mend"], "have an administrator allow iam:SimulatePrincipalPolicy on arn:x");
}

/// An answer that leaves an action out allows nothing.
#[tokio::test]
async fn action_without_a_decision_is_unknown() {
    for result in ["", "<EvaluationResults></EvaluationResults>", &decisions(&[("sqs:CreateQueue", "allowed")])] {
        let script = format!(
            "{IDENTITY}{NO_STACK}SimulatePrincipalPolicy:\n  - result: {result}<IsTruncated>false</IsTruncated>\n"
        );
        let said = run(&Endpoint::of(&script).await, &KINDS).await;
        let found = checks(&said)[3]["found"].as_str().unwrap().to_owned();
        let unknown = "not known, which need not stop a deployment: IAM returned no decision on cloudformation:";
        assert!(said.code == Some(1) && found.starts_with(unknown), "{found}");
    }
}

#[tokio::test]
async fn rows_go_on_after_credentials_of_another_account() {
    let other = "GetCallerIdentity:\n  - result: <Arn>arn:aws:iam::111111111111:user/ops</Arn><Account>111111111111</Account>\n";
    let said = run(&Endpoint::of(other).await, &KINDS).await;
    let checks = checks(&said);
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["AWS credentials", "AWS account", "AWS region", "AWS permissions"]);
    assert!(said.code == Some(1) && checks.iter().all(|check| check["ok"] == false), "{checks:?}");
    assert_eq!(checks[3]["found"], "not checked: it needs credentials for the environment's account");
    assert_eq!(
        checks[0]["found"],
        "the credentials are for account 111111111111, and the environment is in 222222222222"
    );
}
