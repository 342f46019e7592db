//! `logs`: the pages of CloudWatch Logs.

use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    program::{IDENTITY, run},
};

const FUNCTION: &str = "\
ListStackResources:
  - result: <StackResourceSummaries><member><LogicalResourceId>F</LogicalResourceId><PhysicalResourceId>f</PhysicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member></StackResourceSummaries>
\"GET /2015-03-31/functions/*\":
  - body: '{}'
";

const LOGS: [&str; 5] = ["logs", "--since", "2026-10-01T00:00:00Z", "--filter", "a b"];

fn page(message: &str, next: Option<&str>) -> String {
    let event = json!({
        "timestamp": 1_793_491_200_000_i64, "eventId": message, "logStreamName": "s", "message": message,
        "ingestionTime": 1_793_491_200_001_i64
    });
    json!({ "events": [event], "nextToken": next, "searchedLogStreams": [] }).to_string()
}

#[tokio::test]
async fn logs_read_every_page_and_stop_at_a_token_that_comes_back() {
    let pages = [page("first", Some("2")), page("second", Some("3")), page("third", Some("3"))];
    let pages: String = pages.iter().map(|page| format!("  - body: '{page}'\n")).collect();
    let endpoint = Endpoint::of(&format!("{IDENTITY}{FUNCTION}FilterLogEvents:\n{pages}")).await;
    let said = run(&endpoint, &LOGS).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let messages: Vec<_> = said.out.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(messages, ["first", "second", "third"], "{said:?}");
    let calls = endpoint.calls().into_iter().filter(|call| call.action == "FilterLogEvents");
    let asked: Vec<Value> = calls.map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    let asked_for = |token: Option<&str>| {
        let mut request = json!({
            "logGroupName": "/aws/lambda/f", "startTime": 1_790_812_800_000_i64, "filterPattern": "a b"
        });
        if let Some(token) = token {
            request["nextToken"] = json!(token);
        }
        request
    };
    assert_eq!(asked, [asked_for(None), asked_for(Some("2")), asked_for(Some("3"))]);
}

#[tokio::test]
async fn log_group_that_does_not_exist_is_no_failure() {
    let missing =
        "FilterLogEvents:\n  - { error: ResourceNotFoundException, message: The log group does not exist. }\n";
    let said = run(&Endpoint::of(&format!("{IDENTITY}{FUNCTION}{missing}")).await, &LOGS).await;
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.errors.contains("f has no log yet"), "{said:?}");
}

#[tokio::test]
async fn denied_logs_name_the_action_to_allow() {
    let denied = "FilterLogEvents:\n  - { error: AccessDeniedException, message: \"User: u is not authorized to perform: \
                  logs:FilterLogEvents on resource: arn:x\" }\n";
    let said = run(&Endpoint::of(&format!("{IDENTITY}{FUNCTION}{denied}")).await, &LOGS).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains("cannot read the log of f"), "{said:?}");
    assert!(said.errors.contains("have an administrator allow logs:FilterLogEvents on arn:x"), "{said:?}");
}
