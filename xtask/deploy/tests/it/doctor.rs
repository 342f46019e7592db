//! `doctor`: what lacks in AWS for deploying.

use serde_json::Value;

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, Said, run},
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

#[tokio::test]
async fn where_nothing_lacks_each_thing_is_said() {
    let all = decisions(&[("sqs:CreateQueue", "allowed"), ("iam:CreateRole", "allowed")]);
    let script =
        format!("{IDENTITY}{NO_STACK}SimulatePrincipalPolicy:\n  - result: {all}<IsTruncated>false</IsTruncated>\n");
    let endpoint = Endpoint::of(&script).await;
    let said = run(&endpoint, &KINDS).await;
    assert_eq!((said.code, said.errors.as_str()), (Some(0), ""));
    let checks = checks(&said);
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["AWS credentials", "AWS account", "AWS region", "AWS permissions"]);
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    assert_eq!(checks[0]["found"], "arn:aws:iam::222222222222:user/ops");
    assert_eq!(checks[3]["found"], "all 17 actions are allowed");
    let simulated = endpoint.calls().into_iter().find(|call| call.action == "SimulatePrincipalPolicy").unwrap();
    assert_eq!(simulated.fields["PolicySourceArn"], "arn:aws:iam::222222222222:user/ops");
    let asked = simulated.fields.iter().filter(|(name, _)| name.starts_with("ActionNames.member."));
    assert_eq!(asked.count(), 17);
}

/// IAM answers in pages, and denies on the second one.
#[tokio::test]
async fn what_is_not_allowed_is_named() {
    let (first, second) =
        (decisions(&[("sqs:CreateQueue", "allowed")]), decisions(&[("iam:CreateRole", "implicitDeny")]));
    let script = format!(
        "{IDENTITY}{NO_STACK}SimulatePrincipalPolicy:\n  \
         - result: {first}<IsTruncated>true</IsTruncated><Marker>next</Marker>\n  \
         - result: {second}<IsTruncated>false</IsTruncated>\n"
    );
    let endpoint = Endpoint::of(&script).await;
    let said = run(&endpoint, &KINDS).await;
    let checks = checks(&said);
    assert_eq!(said.code, Some(1));
    assert_eq!(checks[3]["found"], "1 of 17 actions are not allowed");
    assert_eq!(checks[3]["mend"], "have an administrator allow arn:aws:iam::222222222222:user/ops\niam:CreateRole");
    assert_eq!(endpoint.calls().last().unwrap().fields["Marker"], "next");
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

#[tokio::test]
async fn without_the_right_account_only_that_is_said() {
    let other = "GetCallerIdentity:\n  - result: <Arn>arn:aws:iam::111111111111:user/ops</Arn><Account>111111111111</Account>\n";
    let said = run(&Endpoint::of(other).await, &KINDS).await;
    let checks = checks(&said);
    assert_eq!((said.code, checks.len()), (Some(1), 1));
    assert_eq!(checks[0]["ok"], false);
    assert_eq!(
        checks[0]["found"],
        "the credentials are for account 111111111111, and the environment is in 222222222222"
    );
}
