//! `local --state DIR`: a service of somebody else's that is killed and goes on, the clock, and what PayPal knows.

use std::fs;

use serde_json::{Value, json};

use crate::service::{PLAN, Service, call, post, scratch};

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

/// A port that is free and that nobody gets by asking for any: what PayPal signed names it, so it must stay the same.
fn port() -> String {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let free = (first..first + 100).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.unwrap().to_string()
}

#[test]
fn what_paypal_knows_outlives_a_kill_and_a_sale_on_its_way_becomes_one_paid_invoice() {
    let (folder, port) = (scratch("paypal-state").join("kept"), port());
    let options = ["--state", folder.to_str().unwrap(), "--paypal-port", port.as_str()];
    let service = Service::start_with("paypal-first", &options);
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": 2 }));
    let renew = |service: &Service, at: usize| {
        service.tell_sandbox(&format!("subscriptions/{}/renew", ids[at].as_str().unwrap()), &json!({}))
    };
    renew(&service, 0);
    assert_eq!(service.next(&finished)["outcome"], "invoiced");
    let first = service.sandbox("invoices");
    renew(&service, 1);
    let subscriptions = service.sandbox("subscriptions");
    service.kill();

    let service = Service::start_with("paypal-second", &options);
    assert_eq!(service.sandbox("subscriptions"), subscriptions);
    let finished = service.inbox("inbox");
    // What a function worked on when it was killed is to be seen again after minutes.
    let (status, answer) = post(&format!("{}/api/clock", service.console), &json!({ "advance_seconds": 3600 }));
    assert_eq!(status, 200, "{answer}");
    let sale = service.next(&finished);
    assert_eq!((&sale["subscription_id"], &sale["outcome"]), (&ids[1], &json!("invoiced")));
    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), 2, "{invoices:?}");
    assert_eq!(invoices[0], first[0]);
    assert_eq!(invoices[1]["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
    assert_eq!(invoices[1]["document"]["id"], sale["invoice_id"]);
}
