//! What an operator asks of a running service, by the commands that also reach AWS: here against the local cloud.

use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use crate::service::{Lines, PATIENCE, PLAN, Service, call, end_of, interrupt, output_of, scratch, xtask};

/// A command against a service, with something on standard input.
fn run(service: &Service, line: &str, input: &str) -> Output {
    let mut command = xtask();
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    command.args(["-q"]).args(line.split(' ')).args(["--env", "local", "--endpoint-url", &service.aws]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that does not read may have ended.
    let _read = child.stdin.take().unwrap().write_all(input.as_bytes());
    output_of(child, line)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command prints that succeeds.
fn printed(service: &Service, line: &str) -> String {
    let output = run(service, line, "");
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn printed_json(service: &Service, line: &str) -> Value {
    serde_json::from_str(&printed(service, &format!("{line} --format json"))).unwrap()
}

/// What the error queues hold, once they hold anything; waits for it.
fn failed(service: &Service) -> Value {
    listed(service, "errors list")
}

/// What the command lists, once it lists anything; waits for it.
fn listed(service: &Service, command: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let list = printed_json(service, command);
        if list["errors"][0].is_object() {
            return list;
        }
        assert!(Instant::now() < until, "no event failed; what happened:\n{}", service.lines.all());
    }
}

/// An event of a completed sale that was not delivered, with a subscription of its own.
fn sale(service: &Service) -> (String, Value) {
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    let wanted = json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0], "deliver": false });
    let made = service.tell_sandbox("events", &wanted);
    (made["body"].as_str().unwrap().to_owned(), made["headers"].clone())
}

#[test]
fn a_forged_event_is_listed_shown_on_demand_sent_back_and_dropped() {
    let service = Service::start("errors");
    assert_eq!(printed(&service, "errors list"), "paypal-subscriptions-local: no event failed\n");
    let (body, headers) = sale(&service);
    let forged = body.replacen("10.00", "10.01", 1);
    assert_eq!(service.deliver(&forged, &headers).0, 200);

    let list = listed(&service, "errors list --forged");
    let event: Value = serde_json::from_str(&body).unwrap();
    let entry = &list["errors"][0];
    assert_eq!(list["errors"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!((&entry["reason"], &entry["queue"]), (&json!("wrong_signature"), &json!("forged")));
    // A stranger's webhooks do not hide what failed.
    assert_eq!(printed(&service, "errors list"), "paypal-subscriptions-local: no event failed\n");
    assert_eq!((&entry["event_id"], &entry["event_type"]), (&event["id"], &event["event_type"]));
    let id = entry["id"].as_str().unwrap();
    let lines = printed(&service, "errors list --forged");
    assert!(lines.contains(id) && lines.contains("the signature does not fit"), "{lines}");

    // What buyers told PayPal is shown to who asks for it only. Looking changes nothing, however often.
    let shown = printed(&service, &format!("errors show {id}"));
    assert!(shown.contains("goes back to  unverified") && !shown.contains("resource"), "{shown}");
    let folder = scratch("errors-saved");
    let saved = format!("errors show {id} --body --format json --save {}", folder.display());
    let shown: Value = serde_json::from_str(&printed(&service, &saved)).unwrap();
    assert_eq!(shown["body"], forged);
    assert_eq!(fs::read_to_string(folder.join("body.json")).unwrap(), forged);
    let kept: Value = serde_json::from_str(&fs::read_to_string(folder.join("headers.json")).unwrap()).unwrap();
    assert_eq!(kept["paypal-transmission-sig"], headers["paypal-transmission-sig"]);

    // It is judged again, and comes to the same end.
    let sent = printed_json(&service, &format!("errors redrive --forged {id}"));
    assert_eq!(sent["done"], json!([{ "id": id, "queue": "forged", "to": "unverified" }]));
    assert_eq!(service.next(&service.queue("forged"))["reason"], "wrong_signature");

    // Nothing is thrown away unasked.
    assert_eq!(service.deliver(&forged, &headers).0, 200);
    listed(&service, "errors list --forged");
    let unasked = text(&run(&service, "errors drop --forged --reason wrong_signature", "").stderr);
    assert!(unasked.contains("nobody is here to answer: drop 1 event for good?"), "{unasked}");
    assert!(printed(&service, "errors drop --forged --all --yes").starts_with("dropped  "));
    assert_eq!(printed(&service, "errors list --forged"), "paypal-subscriptions-local: no event failed\n");
    let gone = text(&run(&service, &format!("errors redrive {id}"), "").stderr);
    assert!(gone.contains(&format!("error: there is no message \"{id}\" in errors or errors.fifo\n")), "{gone}");
}

#[test]
fn what_paypal_refused_is_sent_back_and_becomes_one_invoice() {
    let service = Service::start("redrive");
    let finished = service.inbox("inbox");
    let (body, headers) = sale(&service);
    let fault = json!({ "match": "POST /v2/invoicing/invoices", "kind": "status", "status": 422, "times": 1 });
    service.tell_sandbox("faults", &fault);
    assert_eq!(service.deliver(&body, &headers).0, 200);
    assert_eq!(service.next(&finished)["outcome"], "invoice_failed");
    let list = failed(&service);
    assert_eq!(list["errors"][0]["queue"], "errors.fifo", "{list}");
    assert_eq!(list["errors"][0]["reason"], "invoice_failed", "{list}");
    let sent = printed(&service, "errors redrive --reason invoice_failed");
    assert!(sent.starts_with("sent back  ") && sent.ends_with("  errors.fifo -> verified.fifo\n"), "{sent}");
    assert_eq!(service.next(&finished)["outcome"], "invoiced");
    assert_eq!(service.sandbox("invoices").len(), 1);
    assert_eq!(printed(&service, "errors list"), "paypal-subscriptions-local: no event failed\n");
}

/// A queue as an outage of days leaves it: `FAILED_EVENTS=100000` is five minutes. No function is fed from where they go
/// back to.
#[test]
fn errors_of_a_long_queue_are_listed_and_sent_back() {
    let count: usize = std::env::var("FAILED_EVENTS").map_or(3_000, |count| count.parse().unwrap());
    const TEMPLATE: &str = "
Resources:
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  Source:
    Type: AWS::SQS::Queue
    Properties: {QueueName: source, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}}
";
    let folder = scratch("errors-many");
    let template = folder.join("template.yaml");
    fs::write(&template, TEMPLATE).unwrap();
    let (template, binaries) = (template.to_str().unwrap(), folder.to_str().unwrap());
    let service = Service::start_with("errors-many-service", &["--template", template, "--binaries", binaries]);
    let dead = format!("{}/000000000000/dead", service.aws);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (service, dead) = (&service, &dead);
            scope.spawn(move || {
                for batch in (part..count / 10).step_by(4) {
                    let message = |at: usize| json!({ "Id": at.to_string(), "MessageBody": format!("{batch}-{at}") });
                    let entries: Vec<_> = (0..10).map(message).collect();
                    service.sqs("SendMessageBatch", &json!({ "QueueUrl": dead, "Entries": entries }));
                }
            });
        }
    });
    let attributes = |queue: &str| {
        let url = format!("{}/000000000000/{queue}", service.aws);
        service.sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["All"] }))["Attributes"].clone()
    };
    let held = |queue: &str| attributes(queue)["ApproximateNumberOfMessages"].clone();
    assert_eq!(held("dead"), json!(count.to_string()));
    let ids = |all: &Value| {
        let ids = all.as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap().to_owned());
        ids.collect::<std::collections::BTreeSet<_>>()
    };

    let list = printed_json(&service, &format!("errors list --limit {count}"));
    let listed = ids(&list["errors"]);
    assert_eq!((listed.len(), list["errors"].as_array().unwrap().len()), (count, count));
    assert_eq!(list["queues"], json!([{ "name": "dead", "waiting": count, "being_read": 0, "read": count }]));
    // Looking changes nothing: all of them are seen again at once.
    assert_eq!((held("dead"), held("source")), (json!(count.to_string()), json!("0")));

    let sent = printed_json(&service, "errors redrive --all");
    assert!(ids(&sent["done"]) == listed && sent["not_done"] == json!([]), "{}", sent["not_done"]);
    assert_eq!((held("dead"), held("source")), (json!("0"), json!(count.to_string())));
    assert_eq!(attributes("dead")["ApproximateNumberOfMessagesNotVisible"], "0");
}

#[test]
fn functions_are_invoked_and_their_logs_are_merged_filtered_and_followed() {
    let service = Service::start("logs");
    let event = json!({
        "version": "2.0", "routeKey": "GET /plans/list", "rawPath": "/plans/list", "rawQueryString": "",
        "headers": { "host": "localhost" }, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "localhost", "domainPrefix": "localhost", "requestId": "r",
            "routeKey": "GET /plans/list", "stage": "$default", "time": "01/Nov/2026:00:00:00 +0000", "timeEpoch": 1,
            "http": { "method": "GET", "path": "/plans/list", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t" },
        },
    });
    let invoked = run(&service, "invoke plans-list --event -", &event.to_string());
    let (out, log) = (text(&invoked.stdout), text(&invoked.stderr));
    assert!(invoked.status.success() && out.contains("\"statusCode\": 200"), "{out}{log}");
    assert!(log.starts_with("  plans listed, count=2\nplans-list answered in "), "{log}");
    let failed = run(&service, "invoke webhook-verify --event - --format json", "{}");
    let answer: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((failed.status.code(), &answer["failed"]), (Some(1), &json!(true)), "{answer}");
    assert!(text(&failed.stderr).starts_with("error: webhook-verify failed: "), "{}", text(&failed.stderr));
    let unknown = text(&run(&service, "invoke plan-list --event -", "{}").stderr);
    assert!(unknown.contains("has no function \"plan-list\"\n  help: there are: plans-list, "), "{unknown}");
    let wrong = text(&run(&service, "invoke plans-list --event -", "{\n  x").stderr);
    assert_eq!(wrong, "error: -:2:3: not JSON\n  help: Lambda's events are JSON\n");

    let (body, headers) = sale(&service);
    assert_eq!(service.deliver(&body, &headers).0, 200);
    service.lines.wait_for("outcome=invoiced");
    let all = printed(&service, "logs --since 1h");
    let times: Vec<_> = all.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert!(times.is_sorted() && times.len() >= 4, "{all}");
    let place = |function: &str, said: &str| {
        let line = all.lines().position(|line| line.contains(function) && line.contains(said));
        line.unwrap_or_else(|| panic!("{function}: {said} in {all}"))
    };
    let way =
        [place("webhook-receiver", "kept"), place("webhook-verify", "verified"), place("webhook-process", "finished")];
    assert!(way.is_sorted(), "{all}");
    let one = run(&service, "logs plans-list --filter listed --format json", "");
    let line: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(line["function"], "plans-list");
    assert!(line["message"].as_str().unwrap().contains("plans listed"), "{line}");

    let mut command = xtask();
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    command.args(["-q", "logs", "webhook-process", "-f", "--env", "local", "--endpoint-url", &service.aws]);
    let mut follower = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = Lines::default();
    lines.read(follower.stdout.take().unwrap());
    lines.wait_for("outcome=invoiced");
    let made = json!({ "event_type": "BILLING.SUBSCRIPTION.CANCELLED" });
    service.tell_sandbox("events", &made);
    lines.wait_for("event_type=BILLING.SUBSCRIPTION.CANCELLED");
    interrupt(follower.id());
    end_of(follower, "logs -f, interrupted");
}

#[test]
fn secrets_are_set_from_standard_input_and_never_shown() {
    let service = Service::start("secrets");
    let status = printed_json(&service, "secrets status");
    assert_eq!((&status["secrets"][0]["name"], &status["secrets"][0]["set"]), (&json!("paypal"), &json!(true)));
    assert_eq!(printed_json(&service, "outputs")["outputs"]["ApiUrl"], service.api);
    let plans = || call("GET", &format!("{}/plans/list", service.api), &[], None).0;
    assert_eq!(plans(), 200);
    // From now on PayPal knows the old one no more, nor the tokens that were got with it.
    service.tell_sandbox("secret", &json!({ "client_secret": "another-one" }));
    let output = run(&service, "secrets set", r#"{"client_id":"local-client","client_secret":"another-one"}"#);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.starts_with("paypal is set; ") && !said.contains("another-one"), "{said}");
    assert_eq!(plans(), 200);
    for input in
        ["", "another-one", r#"{"client_id":"local-client"}"#, r#"{"client_id":"a","client_secret":"another one"}"#]
    {
        let output = run(&service, "secrets set", input);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(1) && !said.contains("another"), "{input}: {said}");
    }
    assert_eq!(printed_json(&service, "status")["status"], "CREATE_COMPLETE");
    // What only CloudFormation itself can do says so.
    let drift = text(&run(&service, "drift", "").stderr);
    assert!(drift.contains("DetectStackDrift is not played here"), "{drift}");
}

#[test]
fn an_event_is_made_signed_and_sent_as_paypal_would() {
    let service = Service::start("event-send");
    let finished = service.inbox("inbox");
    let run = |line: &str, input: &str| {
        let mut command = xtask();
        command.args(line.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _read = child.stdin.take().unwrap().write_all(input.as_bytes());
        output_of(child, line)
    };
    let made =
        run(&format!("event new PAYMENT.SALE.COMPLETED --subscription I-BW452GLLEP1G --paypal {}", service.paypal), "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let made = text(&made.stdout);
    let sent = run(&format!("event send - --times 2 --url {}/webhook/receiver", service.api), &made);
    assert_eq!((text(&sent.stdout), text(&sent.stderr)), ("200\n200\n".to_owned(), String::new()));
    let event = service.next(&finished);
    assert_eq!((&event["outcome"], &event["subscription_id"]), (&json!("invoiced"), &json!("I-BW452GLLEP1G")));
    assert_eq!(service.sandbox("invoices").len(), 1);
    let wrong = run(&format!("event send - --url {}/webhook/receiver", service.api), "{\"body\": 1}");
    assert!(text(&wrong.stderr).contains("error: -:1:"), "{}", text(&wrong.stderr));
}

#[test]
fn where_no_local_cloud_runs_it_says_so_before_anything_is_built() {
    let folder = scratch("nothing-runs");
    fs::create_dir_all(folder.join("infra")).unwrap();
    fs::create_dir_all(folder.join("environments")).unwrap();
    let local = crate::service::root().join("environments/local.yaml");
    fs::copy(local, folder.join("environments/local.yaml")).unwrap();
    for line in ["errors list --env local", "invoke plans-list --event -", "event new PAYMENT.SALE.COMPLETED"] {
        let output = xtask().current_dir(&folder).args(line.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(
            text(&output.stderr),
            "error: no local cloud runs the environment local\n  help: start one with `cargo xtask local`, or name its \
             AWS address with --endpoint-url\n",
            "{line}"
        );
    }
}
