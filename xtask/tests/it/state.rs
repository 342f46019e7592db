//! `local --template F --binaries DIR --state DIR`: a service of somebody else's that is killed and goes on, and the clock.

use std::fs;

use serde_json::{Value, json};

use crate::service::{Service, call, post, scratch};

const TEMPLATE: &str = "
Resources:
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  Source:
    Type: AWS::SQS::Queue
    Properties: {QueueName: source, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}}
";

#[test]
fn what_was_answered_outlives_a_kill_and_the_clock_skips_what_would_take_half_a_minute() {
    let folder = scratch("state");
    let template = folder.join("template.yaml");
    fs::write(&template, TEMPLATE).unwrap();
    let (template, binaries, state) = (template.to_str().unwrap(), folder.to_str().unwrap(), folder.join("kept"));
    let options = ["--template", template, "--binaries", binaries, "--state", state.to_str().unwrap()];
    let service = Service::start_with("state-first", &options);
    let url = |service: &Service, name: &str| format!("{}/000000000000/{name}", service.aws);
    for body in ["1", "2"] {
        service.sqs("SendMessage", &json!({ "QueueUrl": url(&service, "source"), "MessageBody": body }));
    }
    service.sqs("ReceiveMessage", &json!({ "QueueUrl": url(&service, "source"), "MaxNumberOfMessages": 1 }));
    service.kill();

    let service = Service::start_with("state-second", &options);
    let receive = json!({ "QueueUrl": url(&service, "source"), "MaxNumberOfMessages": 10 });
    let bodies = |answer: Value| -> Vec<Value> {
        answer["Messages"].as_array().into_iter().flatten().map(|message| message["Body"].clone()).collect()
    };
    assert_eq!(bodies(service.sqs("ReceiveMessage", &receive)), ["2"]);
    let (status, answer) = post(&format!("{}/api/clock", service.console), &json!({ "advance_seconds": 30 }));
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["ahead_seconds"].as_f64().unwrap() >= 30.0 && answer["now"].is_string(), "{answer}");
    // Both were received once and are given up now.
    assert_eq!(bodies(service.sqs("ReceiveMessage", &receive)), Vec::<Value>::new());
    let dead = json!({ "QueueUrl": url(&service, "dead"), "MaxNumberOfMessages": 10 });
    assert_eq!(bodies(service.sqs("ReceiveMessage", &dead)), ["1", "2"]);
    for wrong in [json!({ "advance_seconds": -1 }), json!({ "seconds": 1 }), json!({ "advance_seconds": 1e12 })] {
        assert_eq!(post(&format!("{}/api/clock", service.console), &wrong).0, 400, "{wrong}");
    }
    let reset = call("POST", &format!("{}/api/reset", service.console), &[], None);
    assert_eq!(reset.0, 204, "{}", reset.1);
    assert_eq!(bodies(service.sqs("ReceiveMessage", &dead)), Vec::<Value>::new());
    assert_eq!(call("GET", &format!("{}/api/alarms", service.console), &[], None), (200, "[]".to_owned()));
}
