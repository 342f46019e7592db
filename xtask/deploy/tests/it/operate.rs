//! What an operator asks of a stack, against answers in AWS's own shapes.

use std::fs;

use serde_json::Value;

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, run},
};

/// What the stack of these tests consists of.
const RESOURCES: &str = "\
ListStackResources:
  - result: >-
      <StackResourceSummaries>
      <member><LogicalResourceId>ErrorsQueue</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType>
      <PhysicalResourceId>https://sqs.eu-west-1.amazonaws.com/222222222222/paypal-subscriptions-prod-errors</PhysicalResourceId>
      <ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>
      <member><LogicalResourceId>PlansList</LogicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType>
      <PhysicalResourceId>paypal-subscriptions-prod-plans-list</PhysicalResourceId>
      <ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>
      <member><LogicalResourceId>PlansListPermission</LogicalResourceId><ResourceType>AWS::Lambda::Permission</ResourceType>
      <PhysicalResourceId>perm-1</PhysicalResourceId>
      <ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>
      <member><LogicalResourceId>FinishedTopic</LogicalResourceId><ResourceType>AWS::SNS::Topic</ResourceType>
      <PhysicalResourceId>arn:aws:sns:eu-west-1:222222222222:paypal-subscriptions-prod-finished</PhysicalResourceId>
      <ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>
      </StackResourceSummaries>
";

/// CloudFormation looks, for a while, and has looked.
fn detection(status: &str) -> String {
    let answer = |status: &str, rest: &str| {
        format!(
            "  - result: <StackId>arn</StackId><StackDriftDetectionId>d-1</StackDriftDetectionId>{rest}\
             <DetectionStatus>{status}</DetectionStatus><Timestamp>2026-11-01T00:00:00Z</Timestamp>\n"
        )
    };
    let reason = "<DetectionStatusReason>no sqs:GetQueueAttributes</DetectionStatusReason>";
    format!(
        "DetectStackDrift:\n  - result: <StackDriftDetectionId>d-1</StackDriftDetectionId>\n\
         DescribeStackDriftDetectionStatus:\n{}{}",
        answer("DETECTION_IN_PROGRESS", ""),
        answer(status, reason),
    )
}

fn drift(id: &str, kind: &str, status: &str, differences: &str) -> String {
    format!(
        "<member><StackId>arn</StackId><LogicalResourceId>{id}</LogicalResourceId><ResourceType>{kind}</ResourceType>\
         <StackResourceDriftStatus>{status}</StackResourceDriftStatus><Timestamp>2026-11-01T00:00:00Z</Timestamp>\
         <PropertyDifferences>{differences}</PropertyDifferences></member>"
    )
}

fn drifts(members: &[String]) -> String {
    format!(
        "DescribeStackResourceDrifts:\n  - result: '<StackResourceDrifts>{}</StackResourceDrifts>'\n",
        members.concat()
    )
}

fn differing(path: &str, expected: &str, actual: &str, kind: &str) -> String {
    format!(
        "<member><PropertyPath>{path}</PropertyPath><ExpectedValue>{expected}</ExpectedValue>\
         <ActualValue>{actual}</ActualValue><DifferenceType>{kind}</DifferenceType></member>"
    )
}

/// A queue was changed by hand, the topic deleted; permissions are a type that CloudFormation does not look at.
fn drifted() -> Vec<String> {
    let differences = differing("/RedrivePolicy/maxReceiveCount", "200", "5", "NOT_EQUAL")
        + &differing("/Tags/0", "null", "{\"Key\":\"by\",\"Value\":\"hand&#x1b;[31m\"}", "ADD");
    vec![
        drift("ErrorsQueue", "AWS::SQS::Queue", "MODIFIED", &differences),
        drift("PlansList", "AWS::Lambda::Function", "IN_SYNC", ""),
        drift("FinishedTopic", "AWS::SNS::Topic", "DELETED", ""),
    ]
}

#[tokio::test]
async fn drift_is_shown_property_by_property_and_what_was_not_checked_apart() {
    let script = [IDENTITY, RESOURCES, &detection("DETECTION_COMPLETE"), &drifts(&drifted())].concat();
    let endpoint = Endpoint::of(&script).await;
    let said = run(&endpoint, &["drift"]).await;
    assert_eq!(said.code, Some(2), "{}", said.errors);
    insta::assert_snapshot!(said.out, @r#"
    paypal-subscriptions-prod: 2 drifted, 1 in sync, 1 not checked

    ErrorsQueue  AWS::SQS::Queue  https://sqs.eu-west-1.amazonaws.com/222222222222/paypal-subscriptions-prod-errors, modified
      RedrivePolicy.maxReceiveCount
      - 200
      + 5
      Tags.0
      + "{\"Key\":\"by\",\"Value\":\"hand\u001b[31m\"}"

    FinishedTopic  AWS::SNS::Topic  arn:aws:sns:eu-west-1:222222222222:paypal-subscriptions-prod-finished, deleted

    not checked, 1 resource: CloudFormation does not look at this type
      AWS::Lambda::Permission 1

    put it back by hand, or change the definition to what is wanted: `cargo xtask deploy --env prod` brings back
    only what the template changes
    "#);
    let asked = endpoint.actions().iter().filter(|action| *action == "DescribeStackDriftDetectionStatus").count();
    assert_eq!(asked, 2);
    let json: Value = serde_json::from_str(&run(&endpoint, &["drift", "--format", "json"]).await.out).unwrap();
    assert_eq!(json.pointer("/drifted"), Some(&Value::Bool(true)));
    let difference = serde_json::json!({ "property": "RedrivePolicy.maxReceiveCount", "expected": 200, "actual": 5 });
    assert_eq!(json.pointer("/resources/0/differences/0"), Some(&difference));
    assert_eq!(json.pointer("/not_checked/0/id").and_then(Value::as_str), Some("PlansListPermission"));
}

#[tokio::test]
async fn what_is_in_sync_is_no_drift_and_what_could_not_be_read_is_not_in_sync() {
    let in_sync = vec![
        drift("ErrorsQueue", "AWS::SQS::Queue", "IN_SYNC", ""),
        drift("FinishedTopic", "AWS::SNS::Topic", "IN_SYNC", ""),
    ];
    let script = [IDENTITY, RESOURCES, &detection("DETECTION_FAILED"), &drifts(&in_sync)].concat();
    let said = run(&Endpoint::of(&script).await, &["drift"]).await;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    insta::assert_snapshot!(said.out, @r"
    paypal-subscriptions-prod: 2 in sync, 2 not checked

    not checked, 2 resources: no sqs:GetQueueAttributes
      AWS::Lambda::Function 1
      AWS::Lambda::Permission 1
    ");
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_said_plainly() {
    let missing = "error: ValidationError, message: 'Stack with id paypal-subscriptions-prod does not exist'";
    let script = format!(
        "{IDENTITY}DetectStackDrift:\n  - {{ {missing} }}\nListStackResources:\n  - {{ {missing} }}\n\
         DescribeStackEvents:\n  - {{ {missing} }}\nGetTemplate:\n  - {{ {missing} }}\n"
    );
    let endpoint = Endpoint::of(&script).await;
    for command in
        [&["drift"][..], &["logs"], &["errors", "list"], &["secrets", "status"], &["diagnose"], &["timeline"]]
    {
        let said = run(&endpoint, command).await;
        let wanted = "error: there is no stack paypal-subscriptions-prod in account 222222222222, eu-west-1\n  help: deploy it \
                      first, or name another region with --region\n";
        assert_eq!((said.code, said.errors.as_str()), (Some(1), wanted), "{command:?}");
    }
}

/// Events of a stack, the newest first.
fn events(events: &[(&str, &str, &str, &str, &str)]) -> String {
    let member = |(time, id, kind, status, reason): &(&str, &str, &str, &str, &str)| {
        let physical = if *id == "paypal-subscriptions-prod" { "arn:stack" } else { "p" };
        format!(
            "<member><StackId>arn:stack</StackId><EventId>{id}-{time}</EventId><StackName>s</StackName>\
             <LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><Timestamp>2026-11-01T00:{time}Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    let members: String = events.iter().rev().map(member).collect();
    format!("DescribeStackEvents:\n  - result: \"<StackEvents>{members}</StackEvents>\"\n")
}

const STACK: &str = "paypal-subscriptions-prod";
const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

#[tokio::test]
async fn a_failed_deployment_is_diagnosed_with_its_definition_and_its_mend() {
    let denied =
        "User: arn:aws:iam::222222222222:user/ci is not authorized to perform: iam:PassRole on resource: role/x";
    let failed = events(&[
        ("00:00", STACK, STACK_TYPE, "UPDATE_IN_PROGRESS", "User Initiated"),
        ("00:05", "PlansList", "AWS::Lambda::Function", "UPDATE_IN_PROGRESS", ""),
        ("00:06", "PlansList", "AWS::Lambda::Function", "UPDATE_FAILED", denied),
        ("00:06", "ErrorsQueue", "AWS::SQS::Queue", "UPDATE_FAILED", "Resource update cancelled"),
        ("00:08", STACK, STACK_TYPE, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update"),
        ("00:20", STACK, STACK_TYPE, "UPDATE_ROLLBACK_COMPLETE", ""),
    ]);
    let endpoint = Endpoint::of(&[IDENTITY, &failed].concat()).await;
    let file = std::env::temp_dir().join(format!("definitions-{}.json", std::process::id()));
    fs::write(&file, r#"{"PlansList": "infra/src/service.rs:46"}"#).unwrap();
    let said = run(&endpoint, &["diagnose", "--definitions", file.to_str().unwrap()]).await;
    fs::remove_file(file).unwrap();
    assert_eq!(said.code, Some(0), "{}", said.errors);
    insta::assert_snapshot!(said.out, @r"
    paypal-subscriptions-prod: the update of 2026-11-01T00:00:00Z failed (UPDATE_ROLLBACK_COMPLETE)

    first cause
      resource  PlansList  AWS::Lambda::Function
      says      UPDATE_FAILED: User: arn:aws:iam::222222222222:user/ci is not authorized to perform: iam:PassRole on resource: role/x
      defined   infra/src/service.rs:46
      means     whoever deploys lacks a permission
      mend      have an administrator allow iam:PassRole to the identity that deploys, then deploy again

    1 resource was left unfinished because of it
    ");
    let json: Value = serde_json::from_str(&run(&endpoint, &["diagnose", "--format", "json"]).await.out).unwrap();
    assert_eq!(json.pointer("/cause/id").and_then(Value::as_str), Some("PlansList"));
    assert_eq!(json.pointer("/cancelled").and_then(Value::as_u64), Some(1));
}

#[tokio::test]
async fn a_deployment_has_a_timeline_with_what_it_waited_for() {
    let done = events(&[
        ("00:00", STACK, STACK_TYPE, "CREATE_IN_PROGRESS", "User Initiated"),
        ("00:02", "ErrorsQueue", "AWS::SQS::Queue", "CREATE_IN_PROGRESS", ""),
        ("01:12", "ErrorsQueue", "AWS::SQS::Queue", "CREATE_COMPLETE", ""),
        ("00:02", "FinishedTopic", "AWS::SNS::Topic", "CREATE_IN_PROGRESS", ""),
        ("00:14", "FinishedTopic", "AWS::SNS::Topic", "CREATE_COMPLETE", ""),
        ("01:13", "PlansList", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", ""),
        ("01:23", "PlansList", "AWS::Lambda::Function", "CREATE_COMPLETE", ""),
        ("01:25", STACK, STACK_TYPE, "CREATE_COMPLETE", ""),
    ]);
    let template = "GetTemplate:\n  - result: >-\n      <TemplateBody>{\"Resources\": {\"ErrorsQueue\": {\"Type\": \
                    \"AWS::SQS::Queue\"}, \"FinishedTopic\": {\"Type\": \"AWS::SNS::Topic\"}, \"PlansList\": {\"Type\": \
                    \"AWS::Lambda::Function\", \"Properties\": {\"Q\": {\"Ref\": \"ErrorsQueue\"}}}}}</TemplateBody>\n";
    let endpoint = Endpoint::of(&[IDENTITY, &done, template].concat()).await;
    let file = std::env::temp_dir().join(format!("timeline-{}.svg", std::process::id()));
    let said = run(&endpoint, &["timeline", "--out", file.to_str().unwrap()]).await;
    let picture = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(picture.starts_with("<svg ") && picture.contains("creation in 1 min 25 s, CREATE_COMPLETE"), "{picture}");
    insta::assert_snapshot!(said.out, @r"
    paypal-subscriptions-prod: the creation of 2026-11-01T00:00:00Z, CREATE_COMPLETE
    3 resources in 1 min 25 s

    what it waited for
         start      took
           2 s  1 min 10 s  ErrorsQueue  AWS::SQS::Queue
      1 min 13 s      10 s  PlansList  AWS::Lambda::Function

    the slowest
         start      took
           2 s  1 min 10 s  ErrorsQueue  AWS::SQS::Queue
           2 s      12 s  FinishedTopic  AWS::SNS::Topic
      1 min 13 s      10 s  PlansList  AWS::Lambda::Function
    ");
    let json: Value = serde_json::from_str(&run(&endpoint, &["timeline", "--format", "json"]).await.out).unwrap();
    assert_eq!(json.pointer("/critical_path"), Some(&serde_json::json!(["ErrorsQueue", "PlansList"])));
}

/// What Lambda says of the function; the hash is that of `new code`, or of something else.
fn configuration(hash: &str, status: &str) -> String {
    format!(
        "  - body: '{{\"FunctionName\":\"f\",\"Architectures\":[\"arm64\"],\"CodeSha256\":\"{hash}\",\
         \"LastUpdateStatus\":\"{status}\"}}'\n"
    )
}

fn manifest(name: &str, architecture: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("hotswap-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plans-list.zip"), "new code").unwrap();
    let manifest = serde_json::json!({ "architecture": architecture, "functions": { "plans-list": { "file": "plans-list.zip",
        "size": 8, "binary_size": 8,
        "sha256": "d7bc32e5f6760a997b53461d8102cbe8fa70bd84c550f989d54807ab1f7294a4" } } });
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    folder
}

#[tokio::test]
async fn changed_code_goes_straight_to_lambda_and_unchanged_code_does_not() {
    const GET: &str = "GET /2015-03-31/functions/paypal-subscriptions-prod-plans-list/configuration";
    const PUT: &str = "PUT /2015-03-31/functions/paypal-subscriptions-prod-plans-list/code";
    let (old, new) = ("b2xk", "17wy5fZ2Cpl7U0YdgQLL6PpwvYTFUPmJ1UgHqx9ylKQ=");
    let script = |before: &str| {
        let settled = configuration(new, "InProgress") + &configuration(new, "Successful");
        let put = "  - body: '{}'\n";
        format!("{IDENTITY}{RESOURCES}\"{GET}\":\n{}{settled}\"{PUT}\":\n{put}", configuration(before, "Successful"))
    };
    let folder = manifest("changed", "arm64");
    let file = folder.join("manifest.json");
    let arguments = ["hotswap", "--manifest", file.to_str().unwrap()];

    let endpoint = Endpoint::of(&script(old)).await;
    let said = run(&endpoint, &arguments).await;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.out.starts_with("plans-list  runs its new code, in "), "{}", said.out);
    assert!(said.errors.contains("no longer runs the code that its template names"), "{}", said.errors);
    let sent = endpoint.calls().into_iter().find(|call| call.action == PUT).unwrap();
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body.pointer("/ZipFile").and_then(Value::as_str), Some("bmV3IGNvZGU="));

    let endpoint = Endpoint::of(&script(new)).await;
    let said = run(&endpoint, &arguments).await;
    assert_eq!((said.out.as_str(), said.errors.as_str()), ("plans-list  had this code already\n", ""));
    assert!(!endpoint.actions().contains(&PUT.to_owned()));

    // Somebody else gives the function code at the same time.
    let script = script(old).replace(new, "dGhlaXJz");
    let said = run(&Endpoint::of(&script).await, &arguments).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = "plans-list runs other code than was sent: its SHA-256 is dGhlaXJz, and must be 17wy5fZ2";
    assert!(said.errors.contains(wanted), "{said:?}");

    // A zip that is not the manifest's is not sent.
    fs::write(folder.join("plans-list.zip"), "other code").unwrap();
    let endpoint = Endpoint::of(&script).await;
    let said = run(&endpoint, &arguments).await;
    assert!(said.errors.contains("plans-list's zip is not what the manifest says"), "{said:?}");
    assert!(!endpoint.actions().contains(&PUT.to_owned()));
    fs::remove_dir_all(folder).unwrap();

    let folder = manifest("foreign", "x86_64");
    let file = folder.join("manifest.json");
    let said = run(&endpoint, &["hotswap", "--manifest", file.to_str().unwrap()]).await;
    assert!(said.errors.starts_with("error: plans-list runs on arm64, and the zip is for x86_64\n"), "{}", said.errors);
    fs::remove_dir_all(folder).unwrap();
}
