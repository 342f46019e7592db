//! What AWS says may come from whoever names a resource, sends a webhook or writes a log. Wherever it is shown, it is text.

use serde_json::json;

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, run},
};

/// A window's title, a colour by one byte, a turned direction, another line, and a command for a runner of workflows.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\n::set-output name=x::y";
/// The same, as XML has it and as YAML has it.
const IN_XML: &str = "&#x1b;]0;owned&#x7;&#x9b;31m&#x202e;&#xd;&#xa;::set-output name=x::y";
const IN_YAML: &str = r"\e]0;owned\a\x9b31m\u202e\r\n::set-output name=x::y";

/// An account in which somebody wrote that wherever they could.
fn script() -> String {
    let event = |time: u32, id: &str, status: &str, kind: &str, reason: &str| {
        format!(
            "<member><StackId>arn:stack</StackId><EventId>{time}</EventId><StackName>s</StackName>\
             <LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>arn:stack</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><Timestamp>2026-11-01T00:00:{time:02}Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    let stack = |time, status: &str| event(time, "s", status, "AWS::CloudFormation::Stack", "[x]");
    let queue = |time, status: &str| event(time, "Q[x]", status, "AWS::SQS::Queue[x]", "[x]");
    let events = [
        stack(20, "UPDATE_ROLLBACK_COMPLETE"),
        stack(10, "UPDATE_ROLLBACK_IN_PROGRESS"),
        queue(9, "[x]UPDATE_FAILED"),
        queue(2, "UPDATE_IN_PROGRESS"),
        stack(1, "UPDATE_IN_PROGRESS"),
    ];
    let resource = |id: &str, kind: &str, physical: &str| {
        format!(
            "<member><LogicalResourceId>{id}</LogicalResourceId><ResourceType>{kind}</ResourceType>\
             <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
             <LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>"
        )
    };
    let results = [
        ("DescribeStackEvents", format!("<StackEvents>{}</StackEvents>", events.concat())),
        (
            "DescribeStacks",
            "<Stacks><member><StackId>arn:stack</StackId><StackName>paypal-subscriptions-prod</StackName>\
             <CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>UPDATE_COMPLETE</StackStatus>\
             <StackStatusReason>[x]</StackStatusReason><Outputs><member><OutputKey>[x]</OutputKey>\
             <OutputValue>[x]</OutputValue><Description>[x]</Description></member></Outputs></member></Stacks>"
                .to_owned(),
        ),
        (
            "ListStackResources",
            format!(
                "<StackResourceSummaries>{}{}{}</StackResourceSummaries>",
                resource("Q[x]", "AWS::SQS::Queue[x]", "[x]"),
                resource("Function", "AWS::Lambda::Function", "f"),
                resource("Permission", "AWS::Lambda::Permission[x]", "p"),
            ),
        ),
        (
            "ListChangeSets",
            "<Summaries><member><ChangeSetName>[x]</ChangeSetName><Description>[x]</Description>\
             <Status>CREATE_COMPLETE</Status><CreationTime>2026-11-01T00:00:00Z</CreationTime></member></Summaries>"
                .to_owned(),
        ),
        (
            "GetTemplate",
            "<TemplateBody>{\"Resources\": {\"Q\": {\"Type\": \"AWS::SQS::Queue\"}}}</TemplateBody>".to_owned(),
        ),
        ("DetectStackDrift", "<StackDriftDetectionId>d</StackDriftDetectionId>".to_owned()),
        (
            "DescribeStackDriftDetectionStatus",
            "<StackId>a</StackId><StackDriftDetectionId>d</StackDriftDetectionId><DetectionStatus>DETECTION_COMPLETE\
             </DetectionStatus><DetectionStatusReason>[x]</DetectionStatusReason>\
             <Timestamp>2026-11-01T00:00:00Z</Timestamp>"
                .to_owned(),
        ),
        (
            "DescribeStackResourceDrifts",
            "<StackResourceDrifts><member><StackId>a</StackId><LogicalResourceId>Q[x]</LogicalResourceId>\
             <ResourceType>[x]</ResourceType><StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus>\
             <Timestamp>2026-11-01T00:00:00Z</Timestamp><PropertyDifferences><member><PropertyPath>/[x]</PropertyPath>\
             <ExpectedValue>[x]</ExpectedValue><ActualValue>[x]</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType>\
             </member></PropertyDifferences></member></StackResourceDrifts>"
                .to_owned(),
        ),
    ];
    let mut script = IDENTITY.to_owned();
    for (action, result) in results {
        script += &format!("{action}:\n  - result: '{}'\n", result.replace("[x]", IN_XML));
    }
    let inner = json!({ "level": HOSTILE, "message": HOSTILE }).to_string();
    let events = [("1", HOSTILE), ("2", &inner)].map(|(id, message)| {
        json!({ "timestamp": 1_793_491_200_000_i64, "eventId": id, "logStreamName": HOSTILE, "message": message })
    });
    // YAML takes such signs only when they are written out.
    let log = json!({ "events": events }).to_string().replace('\u{9b}', "\\u009b").replace('\u{202e}', "\\u202e");
    script += "\"GET /2015-03-31/functions/*\":\n  - body: '{}'\n";
    script + &format!("FilterLogEvents:\n  - body: '{log}'\n")
}

/// That something was said, and that nobody obeys it.
fn only_shows(said: &str, whose: &str) {
    let obeyed = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
    assert!(!said.contains(obeyed), "{whose}: {said:?}");
    assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{whose}: {said}");
}

#[tokio::test]
async fn whatever_aws_says_steers_no_terminal_and_no_runner() {
    let script = script();
    let endpoint = Endpoint::of(&script).await;
    for (command, code) in [
        (&["status"][..], 0),
        (&["outputs"], 0),
        (&["diagnose"], 0),
        (&["timeline"], 0),
        (&["drift"], 2),
        (&["logs", "--since", "2026-10-01T00:00:00Z"], 0),
    ] {
        let said = run(&endpoint, command).await;
        assert_eq!(said.code, Some(code), "{command:?}: {} {}", said.out, said.errors);
        assert!(said.out.contains("set-output") || command == ["status"], "{command:?} shows it: {}", said.out);
        only_shows(&said.out, command[0]);
        only_shows(&said.errors, command[0]);
    }
    // What AWS refuses, with a code of its own.
    let refused = format!("FilterLogEvents:\n  - {{ error: \"Odd{IN_YAML}\", message: \"{IN_YAML}\" }}\n");
    let (known, _) = script.split_once("FilterLogEvents").unwrap();
    let said = run(&Endpoint::of(&format!("{known}{refused}")).await, &["logs"]).await;
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.errors.contains("set-output"), "{}", said.errors);
    only_shows(&said.errors, "an error");
}
