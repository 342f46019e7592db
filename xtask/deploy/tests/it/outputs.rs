//! `outputs`, and what every command says when AWS does not let it.

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, run},
};

const STACK: &str = "\
DescribeStacks:
  - result: >-
      <Stacks><member><StackName>paypal-subscriptions-prod</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime>
      <StackStatus>UPDATE_COMPLETE</StackStatus><Outputs><member><OutputKey>FinishedTopicArn</OutputKey>
      <OutputValue>arn:aws:sns:eu-west-1:222222222222:finished</OutputValue><Description>subscribe here</Description></member>
      <member><OutputKey>ApiUrl</OutputKey><OutputValue>https://subscriptions.example.com&#x1b;[31m</OutputValue></member>
      </Outputs></member></Stacks>
";

#[tokio::test]
async fn outputs_are_listed_with_what_they_are_for() {
    let said = run(&Endpoint::of(&format!("{IDENTITY}{STACK}")).await, &["outputs"]).await;
    assert_eq!((said.code, said.errors.as_str()), (Some(0), ""));
    let wanted = "paypal-subscriptions-prod, UPDATE_COMPLETE\n\n\
                  ApiUrl            https://subscriptions.example.com\\u{1b}[31m\n\
                  FinishedTopicArn  arn:aws:sns:eu-west-1:222222222222:finished\n                  subscribe here\n";
    assert_eq!(said.out, wanted);
}

#[tokio::test]
async fn outputs_are_json_for_programs() {
    let said = run(&Endpoint::of(&format!("{IDENTITY}{STACK}")).await, &["outputs", "--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, Some(0));
    assert_eq!(json.pointer("/outputs/FinishedTopicArn").unwrap(), "arn:aws:sns:eu-west-1:222222222222:finished");
    assert_eq!(json.pointer("/status").unwrap(), "UPDATE_COMPLETE");
}

#[tokio::test]
async fn what_goes_wrong_is_said_plainly() {
    let missing = "{ error: ValidationError, message: Stack with id paypal-subscriptions-prod does not exist }";
    let expired =
        "{ status: 403, error: ExpiredToken, message: The security token included in the request is expired }";
    let denied = "{ status: 403, error: AccessDenied, message: \"User: arn:aws:iam::222222222222:user/ops is not \
                  authorized to perform: cloudformation:DescribeStacks on resource: arn:x because no policy allows it\" }";
    let others = "{ result: <Account>111111111111</Account> }";
    let cases = [
        (
            format!("{IDENTITY}DescribeStacks: [{missing}]"),
            "error: there is no stack paypal-subscriptions-prod in account 222222222222, eu-west-1\n",
        ),
        (format!("GetCallerIdentity: [{expired}]"), "the credentials have expired\n  help: sign in again"),
        (
            format!("{IDENTITY}DescribeStacks: [{denied}]"),
            "\n  help: have an administrator allow cloudformation:DescribeStacks on arn:x\n",
        ),
        (
            format!("GetCallerIdentity: [{others}]"),
            "error: the credentials are for account 111111111111, and the environment is in 222222222222\n",
        ),
    ];
    for (script, wanted) in cases {
        let said = run(&Endpoint::of(&script).await, &["outputs"]).await;
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.errors.contains(wanted) && said.errors.contains("\n  help: "), "{said:?}");
    }
}

#[tokio::test]
async fn throttling_is_said_and_survived() {
    let throttled = "{ error: Throttling, message: Rate exceeded }";
    let answers =
        STACK.replace("DescribeStacks:\n", &format!("DescribeStacks:\n{}", format!("  - {throttled}\n").repeat(20)));
    let endpoint = Endpoint::of(&format!("{IDENTITY}{answers}")).await;
    let said = run(&endpoint, &["outputs"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.errors.starts_with("AWS is throttling, attempt 1\n") && said.errors.ends_with("attempt 20\n"));
    assert_eq!(endpoint.actions().len(), 22);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_tried_again() {
    let answers = STACK.replace("DescribeStacks:\n", "DescribeStacks:\n  - connection: cut\n");
    let said = run(&Endpoint::of(&format!("{IDENTITY}{answers}")).await, &["outputs"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
}
