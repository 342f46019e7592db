//! Events of every type reach their end.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::service::{PATIENCE, PLAN, Service, at_once};

/// Events of each type that PayPal documents for subscriptions, in PayPal's shapes; new ids, invented people.
const SAMPLES: &str = include_str!("samples.json");

/// This project's samples, by their types.
fn samples() -> Vec<(String, String)> {
    let own: Vec<Value> = serde_json::from_str(SAMPLES).unwrap();
    own.iter().map(|event| (event["event_type"].to_string(), event.to_string())).collect()
}

/// Events that PayPal sent, by their files; they are not part of the project.
fn captured() -> Vec<(String, String)> {
    let folder = std::env::var_os("CAPTURED_DELIVERIES").expect("CAPTURED_DELIVERIES names the folder of deliveries");
    let folder = Path::new(&folder).join("events");
    let mut captured = Vec::new();
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if Path::new(&name).extension().is_some_and(|ending| ending == "json") && name != "index.json" {
            captured.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    assert!(captured.len() >= 10, "{} events in {}", captured.len(), folder.display());
    captured
}

/// Reads what a queue at `finished` gets, with boto3: the client that most people have.
struct Boto3 {
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    child: std::process::Child,
}

impl Boto3 {
    fn subscribe(service: &Service) -> Self {
        let python = std::env::var_os("XTASK_PYTHON");
        let python = python.expect("XTASK_PYTHON names no interpreter with boto3: run the tests by `cargo xtask test`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/finished.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&service.aws).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("boto3's interpreter starts; `cargo xtask test` sets it up");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "subscribed");
        Self { lines, child }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("boto3 read no message").unwrap()).unwrap()
    }
}

impl Drop for Boto3 {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

#[test]
fn every_sample_event_ends_on_finished_and_a_completed_sale_of_a_subscription_has_its_invoice() {
    let samples = samples();
    assert!(samples.len() >= 20);
    events_reach_their_end("samples", samples);
}

#[test]
#[ignore = "needs deliveries of PayPal's: CAPTURED_DELIVERIES=DIR"]
fn captured_events_end_on_finished_and_a_completed_sale_of_a_subscription_has_its_invoice() {
    events_reach_their_end("captured", captured());
}

fn events_reach_their_end(test: &str, events: Vec<(String, String)>) {
    let service = Service::start(test);
    let mut finished = Boto3::subscribe(&service);
    for (name, body) in events {
        let event: Value = serde_json::from_str(&body).unwrap();
        service.tell_sandbox("events", &json!({ "body": body }));
        let message = finished.next();
        let (told, attributes) = (&message["body"], &message["attributes"]);
        assert_eq!(told["event"], event, "{name} came out as it went in");
        assert_eq!(attributes["event_type"], event["event_type"], "{name}");
        assert_eq!(attributes["event_id"], event["id"], "{name}");
        let (sale, subscription) =
            (event["resource"]["id"].as_str(), event["resource"]["billing_agreement_id"].as_str());
        let invoices = sale.map(|sale| service.invoices_of(sale)).unwrap_or_default();
        let (outcome, count) = match (event["event_type"].as_str().unwrap(), subscription) {
            ("PAYMENT.SALE.COMPLETED", Some(_)) => ("invoiced", 1),
            ("PAYMENT.SALE.COMPLETED", None) => ("no_subscription", 0),
            _ => ("published", 0),
        };
        assert_eq!(attributes["outcome"], outcome, "{name}");
        assert_eq!(invoices.len(), count, "{name}: {invoices:?}");
        assert!(
            invoices.iter().all(|invoice| invoice["document"]["status"] == "MARKED_AS_PAID"),
            "{name}: {invoices:?}"
        );
    }
    for queue in ["errors", "errors.fifo"] {
        assert_eq!(service.depth(&service.queue(queue)), 0, "{queue}");
    }
}

#[test]
fn the_same_event_ten_times_at_once_is_one_invoice() {
    let service = std::sync::Arc::new(Service::start("ten-times"));
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    let made = service.tell_sandbox(
        "events",
        &json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0], "deliver": false }),
    );
    let sender = std::sync::Arc::clone(&service);
    let answers = at_once(10, move |_| sender.deliver(made["body"].as_str().unwrap(), &made["headers"]).0);
    assert_eq!(answers, [200; 10]);
    assert_eq!(service.next(&finished)["outcome"], "invoiced");
    // When the queues are empty, all ten have come to their end.
    let until = std::time::Instant::now() + PATIENCE;
    while service.depth(&service.queue("unverified")) + service.depth(&service.queue("verified.fifo")) > 0 {
        assert!(std::time::Instant::now() < until, "a message does not come to its end");
        std::thread::yield_now();
    }
    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    assert_eq!((&invoices[0]["sends"], &invoices[0]["payments"]), (&json!(1), &json!(1)));
    assert_eq!(service.now(&finished), None, "nine repeats were known as such");
    assert_eq!(service.depth(&service.queue("errors")), 0);
}
