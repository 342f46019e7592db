//! `outputs`, and what every command says when AWS does not let it.

use std::{process::Stdio, time::Instant};

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, command, run, within},
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
    let first = "AWS is throttling DescribeStacks, attempt 1 of 24\n";
    assert!(said.errors.starts_with(first) && said.errors.ends_with("attempt 20 of 24\n"), "{said:?}");
    assert_eq!(endpoint.actions().len(), 22);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_tried_again() {
    let answers = STACK.replace("DescribeStacks:\n", "DescribeStacks:\n  - connection: cut\n");
    let said = run(&Endpoint::of(&format!("{IDENTITY}{answers}")).await, &["outputs"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.errors, "DescribeStacks: the connection failed, attempt 1 of 6\n");
}

/// AWS fails, and the quota of an account does not grow by asking again.
#[tokio::test]
async fn failures_of_aws_are_reported_and_retried_within_a_limit_and_quotas_are_not() {
    let failure = "{ status: 500, error: InternalFailure, message: An error occurred }";
    let endpoint = Endpoint::of(&format!("{IDENTITY}DescribeStacks: [{failure}]")).await;
    let said = run(&endpoint, &["outputs"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let attempts: Vec<_> = said.errors.lines().filter(|line| line.contains(", attempt ")).collect();
    let wanted = |attempt: usize| {
        format!("DescribeStacks: AWS answered with InternalFailure (HTTP 500), attempt {attempt} of 6")
    };
    assert_eq!(attempts, (1..=6).map(wanted).collect::<Vec<_>>(), "{said:?}");
    assert!(
        said.errors.contains("error: cannot read the stack paypal-subscriptions-prod: InternalFailure"),
        "{said:?}"
    );

    let quota = "{ error: LimitExceededException, message: ChangeSet limit exceeded }";
    let endpoint = Endpoint::of(&format!("{IDENTITY}DescribeStacks: [{quota}]")).await;
    let said = run(&endpoint, &["outputs"]).await;
    assert_eq!(endpoint.actions(), ["GetCallerIdentity", "DescribeStacks"]);
    assert!(said.errors.contains("LimitExceededException: ChangeSet limit exceeded"), "{said:?}");
}

/// The connection stays open, as after a laptop slept. Both ways of the clock are this machine's own.
#[tokio::test]
async fn dead_connection_is_reported_within_a_second_and_then_every_ten_and_ends() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut script = String::from(STACK);
    script.insert_str("DescribeStacks:\n".len(), "  - connection: hang\n");
    let endpoint = Endpoint::of(&format!("{IDENTITY}{script}")).await;
    let mut command = command(&endpoint, &["outputs"]);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut printed = Vec::new();
    while let Some(line) = within("the next line", lines.next_line()).await.unwrap() {
        printed.push((started.elapsed().as_secs_f64(), line));
    }
    assert!(within("the end of outputs", child.wait()).await.unwrap().success(), "{printed:?}");
    // A busy machine may print a little late.
    assert!(
        printed[0].0 < 2.0 && printed[0].1.starts_with("waiting for AWS to answer DescribeStacks, "),
        "{printed:?}"
    );
    for pair in printed.windows(2) {
        assert!(pair[1].0 - pair[0].0 < 11.0, "{printed:?}");
    }
    let timeout = printed.iter().find(|(_, line)| line.contains(", attempt ")).unwrap();
    assert_eq!(timeout.1, "DescribeStacks: no answer within 20 s, attempt 1 of 6");
}
