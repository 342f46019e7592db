//! The console: its API as programs have it, and the page as a person does, in a browser.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::service::{PLAN, Service, call, post, root, scratch};

/// Asks the console; the answer must be a good one.
fn ask(service: &Service, method: &str, path: &str, body: Option<&Value>) -> Value {
    let body = body.map(ToString::to_string);
    let headers = [("content-type", "application/json")];
    let (status, answer) = call(method, &format!("{}{path}", service.console), &headers, body.as_deref());
    assert_eq!(status, 200, "{method} {path}: {answer}");
    serde_json::from_str(&answer).unwrap_or(Value::String(answer))
}

/// The first event of the page's stream: all that is known.
fn known(service: &Service) -> Value {
    use std::io::{BufRead, BufReader};
    let answer = ureq::get(format!("{}/api/stream", service.console)).call().unwrap();
    let lines = BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok);
    let data = lines
        .into_iter()
        .find_map(|line| line.strip_prefix("data: ").or(line.strip_prefix("data:")).map(str::to_owned));
    serde_json::from_str(&data.unwrap()).unwrap()
}

fn hops(known: &Value, journey: &Value) -> Vec<Value> {
    let all = known["hops"].as_array().unwrap().iter();
    all.filter(|hop| hop["journeys"].as_array().unwrap().contains(journey)).cloned().collect()
}

#[test]
fn each_event_of_a_batch_is_a_journey_of_its_own_to_the_paid_invoice() {
    let service = Service::start("journeys");
    let finished = service.inbox("inbox");
    let unverified = "/api/queues/paypal-subscriptions-local-unverified";
    // Held until all are there, so that one batch has them all.
    ask(&service, "POST", &format!("{unverified}/hold"), Some(&json!({ "hold": true })));
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": 5 }));
    for id in ids.as_array().unwrap() {
        service.tell_sandbox(&format!("subscriptions/{}/renew", id.as_str().unwrap()), &json!({}));
    }
    let until = std::time::Instant::now() + crate::service::PATIENCE;
    while ask(&service, "GET", unverified, None)["queue"]["visible"] != 5 {
        assert!(std::time::Instant::now() < until, "the webhooks do not come");
        std::thread::yield_now();
    }
    ask(&service, "POST", &format!("{unverified}/hold"), Some(&json!({ "hold": false })));
    assert!(service.outcomes(&finished, 5).values().all(|outcome| outcome == "invoiced"));

    let known = known(&service);
    let batches = known["hops"].as_array().unwrap().iter().filter(|hop| hop["kind"] == "invoked");
    assert!(batches.into_iter().any(|hop| hop["journeys"].as_array().unwrap().len() == 5), "no batch of five");
    let roots: Vec<_> = known["hops"].as_array().unwrap().iter().filter(|hop| !hop["about"].is_null()).collect();
    assert_eq!(roots.len(), 5);
    for root in roots {
        let journey = hops(&known, &root["number"]);
        let of = |kind: &str| journey.iter().filter(|hop| hop["kind"] == kind).count();
        assert_eq!((of("request"), of("published"), of("noted")), (1, 2, 4), "{journey:#?}");
        let paid = journey.iter().find(|hop| hop["label"].as_str().unwrap().contains("PAID")).unwrap();
        let sale = root["about"]["keys"][1].as_str().unwrap();
        assert!(paid["label"].as_str().unwrap().contains(sale), "{paid}");
    }
}

#[test]
fn a_hop_is_done_again_and_saved_and_written_as_a_line_for_a_shell() {
    let service = Service::start("hops");
    let (status, plans) = call("GET", &format!("{}/plans/list", service.api), &[], None);
    assert_eq!(status, 200);
    let known = known(&service);
    let hop = |kind: &str| {
        known["hops"].as_array().unwrap().iter().find(|hop| hop["kind"] == kind).unwrap()["number"].clone()
    };
    let replayed = ask(&service, "POST", &format!("/api/hops/{}/replay", hop("request")), Some(&json!({})));
    assert_eq!((&replayed["status"], replayed["body"].as_str().unwrap()), (&json!(200), plans.as_str()));
    let invoked = format!("/api/hops/{}", hop("invoked"));
    let event = ask(&service, "GET", &format!("{invoked}/event"), None);
    assert_eq!(event["routeKey"], "GET /plans/list");
    let again = ask(&service, "POST", &format!("{invoked}/replay"), Some(&json!({})));
    assert!(again["error"].is_null() && again["body"].as_str().unwrap().contains("200"), "{again}");
    // A real shell reads the line as it is meant; what stands for curl here shows its last argument.
    let line = ask(&service, "GET", &format!("{invoked}/curl"), None);
    let line = line.as_str().unwrap();
    assert!(line.starts_with(&format!("curl '{}/2015-03-31/functions/", service.aws)), "{line}");
    let shown = format!("curl() {{ shift $(($# - 1)); printf %s \"$1\"; }}; {line}");
    let said = Command::new("sh").args(["-c", &shown]).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&said.stdout).unwrap(), event);
    assert_eq!(call("GET", &format!("{}/api/hops/999999", service.console), &[], None).0, 404);
}

#[test]
fn pages_of_somebody_elses_get_nothing_from_any_port() {
    let service = Service::start("foreign");
    let paths = [
        format!("{}/api/queues/paypal-subscriptions-local-errors/purge", service.console),
        format!("{}/paypal/secret", service.console),
        format!("{}/_sandbox/secret", service.paypal),
        service.aws.clone(),
    ];
    for url in paths {
        for foreign in [("origin", "https://evil.example"), ("host", "evil.example"), ("origin", "null")] {
            let headers = [("content-type", "text/plain"), foreign];
            let (status, answer) = call("POST", &url, &headers, Some(r#"{"client_secret":"x"}"#));
            assert_eq!(status, 403, "{url} {foreign:?}: {answer}");
        }
    }
    assert_eq!(service.tell_sandbox("sign", &json!({ "body": "{}" }))["headers"]["paypal-auth-algo"], "SHA256withRSA");
}

#[test]
fn with_everything_going_wrong_no_event_is_lost_and_no_invoice_made_twice() {
    let spec = "duplicates=0.3,reordering=0.2,throttles=0.2,kills=0.1,lost-answers=0.2,failing-paypal=0.1,seed=11";
    let service = Service::start_with("chaos", &["--chaos", spec]);
    let rates = ask(&service, "GET", "/api/chaos", None);
    assert_eq!((&rates["duplicates"], &rates["seed"]), (&json!(0.3), &json!(11)));
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": 6 }));
    let ids = ids.as_array().unwrap();
    for id in ids {
        service.tell_sandbox(&format!("subscriptions/{}/renew", id.as_str().unwrap()), &json!({}));
    }
    let mut ends = std::collections::BTreeMap::new();
    while ends.len() < ids.len() {
        let event = service.next(&finished);
        ends.insert(event["event_id"].to_string(), event["outcome"].clone());
    }
    assert!(ends.values().all(|outcome| outcome == "invoiced"), "{ends:?}");
    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), ids.len());
    for invoice in &invoices {
        assert_eq!(
            (&invoice["document"]["status"], &invoice["payments"]),
            (&json!("MARKED_AS_PAID"), &json!(1)),
            "{invoice}"
        );
    }
    let struck = known(&service);
    let kinds = ["Runtime.ExitError", "answered with 503"];
    let errors: Vec<_> = struck["hops"].as_array().unwrap().iter().filter_map(|hop| hop["error"].as_str()).collect();
    assert!(kinds.iter().any(|kind| errors.contains(kind)), "nothing went wrong: {errors:?}");
    assert_eq!(post(&format!("{}/api/chaos", service.console), &json!({})).0, 405);
    let headers = [("content-type", "application/json")];
    let (status, why) = call("PUT", &format!("{}/api/chaos", service.console), &headers, Some(r#"{"kills":2}"#));
    assert!(status == 400 && why.contains("kills is 2; a fault's rate is between 0 and 1"), "{why}");
}

#[test]
fn a_person_subscribes_pays_tampers_and_tries_again_in_a_browser() {
    let needed = |name: &str| {
        std::env::var_os(name).unwrap_or_else(|| {
            panic!("{name} is not set: `cargo xtask test --only browser` installs what drives a browser, and finds one")
        })
    };
    let (driver, browser) = (needed("XTASK_BROWSER_DRIVER"), needed("XTASK_BROWSER"));
    let service = Service::start("browser");
    let folder = root().join("target/console");
    std::fs::create_dir_all(&folder).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/console.py");
    let mut command = Command::new(driver);
    command.arg(script).arg(&service.console).arg(browser).arg(&folder).stdin(Stdio::null());
    // The browser's own files do not last longer than the test.
    let done = command.env("HOME", scratch("browser-home")).output().expect("the browser's driver starts");
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("the whole path was walked"), "{said}\n{complaint}");
    assert!(folder.join("narrow-journeys.png").is_file());
}
