//! The program against an endpoint that answers as AWS does, from a script.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use std::{collections::HashMap, process::Output};

use axum::{Form, Router, http::StatusCode, routing::post};

/// What the endpoint answers to an action: a status and a body.
type Script = &'static [(&'static str, u16, &'static str)];

const IDENTITY: (&str, u16, &str) = (
    "GetCallerIdentity",
    200,
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
     <Arn>arn:aws:iam::222222222222:user/ops</Arn><UserId>AIDA</UserId><Account>222222222222</Account>\
     </GetCallerIdentityResult></GetCallerIdentityResponse>",
);

const STACK: (&str, u16, &str) = (
    "DescribeStacks",
    200,
    "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks>\
     <member><StackName>paypal-subscriptions-prod</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime>\
     <StackStatus>UPDATE_COMPLETE</StackStatus><Outputs><member><OutputKey>FinishedTopicArn</OutputKey>\
     <OutputValue>arn:aws:sns:eu-west-1:222222222222:finished</OutputValue><Description>subscribe here</Description></member>\
     <member><OutputKey>ApiUrl</OutputKey><OutputValue>https://subscriptions.example.com&#x1b;[31m</OutputValue></member>\
     </Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
);

/// Runs the program against a script, with credentials of its own and nothing of this machine's.
async fn run(script: Script, arguments: &[&str]) -> Output {
    let answer = move |Form(form): Form<HashMap<String, String>>| async move {
        let action = form.get("Action").map_or("", String::as_str);
        let known = script.iter().find(|(name, ..)| *name == action);
        let (_, status, body) = known.unwrap_or_else(|| panic!("{action} is not in the script"));
        (StatusCode::from_u16(*status).unwrap(), [("content-type", "text/xml")], *body)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_deploy"));
    command.env_clear().env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.args(arguments).args(["--stack", "paypal-subscriptions-prod", "--account", "222222222222"]);
    command.args(["--region", "eu-west-1", "--endpoint-url", &url]);
    command.output().await.unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn outputs_are_listed_with_what_they_are_for() {
    let (code, out, errors) = said(&run(&[IDENTITY, STACK], &["outputs"]).await);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let wanted = "paypal-subscriptions-prod, UPDATE_COMPLETE\n\n\
                  ApiUrl            https://subscriptions.example.com\\u{1b}[31m\n                  \n\
                  FinishedTopicArn  arn:aws:sns:eu-west-1:222222222222:finished\n                  subscribe here\n";
    assert_eq!(out, wanted);
}

#[tokio::test]
async fn outputs_are_json_for_programs() {
    let (code, out, _) = said(&run(&[IDENTITY, STACK], &["outputs", "--format", "json"]).await);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(json.pointer("/outputs/FinishedTopicArn").unwrap(), "arn:aws:sns:eu-west-1:222222222222:finished");
    assert_eq!(json.pointer("/status").unwrap(), "UPDATE_COMPLETE");
}

#[tokio::test]
async fn what_goes_wrong_is_said_plainly() {
    const ERROR: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id \
                         paypal-subscriptions-prod does not exist</Message></Error></ErrorResponse>";
    const EXPIRED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security \
                           token included in the request is expired</Message></Error></ErrorResponse>";
    const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
                          arn:aws:iam::222222222222:user/ops is not authorized to perform: \
                          cloudformation:DescribeStacks</Message></Error></ErrorResponse>";
    const OTHER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account>\
                         </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let cases: [(Script, &str); 4] = [
        (
            &[IDENTITY, ("DescribeStacks", 400, ERROR)],
            "error: there is no stack paypal-subscriptions-prod in account 222222222222, eu-west-1\n",
        ),
        (&[("GetCallerIdentity", 403, EXPIRED)], "the credentials have expired\n  help: sign in again"),
        (&[IDENTITY, ("DescribeStacks", 403, DENIED)], "not authorized to perform: cloudformation:DescribeStacks"),
        (
            &[("GetCallerIdentity", 200, OTHER)],
            "error: the credentials are for account 111111111111, and the environment is in 222222222222\n",
        ),
    ];
    for (script, wanted) in cases {
        let (code, out, errors) = said(&run(script, &["outputs"]).await);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
        assert!(errors.contains(wanted) && errors.contains("\n  help: "), "{errors}");
    }
}
