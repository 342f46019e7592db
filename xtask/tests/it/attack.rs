//! Attacks on the ports of this machine: pages of somebody else's, slow and greedy clients, texts that want to be more than
//! text. Forged webhooks stand in `forgery`.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::service::{DEVELOPERS_SECRET, PLAN, Service, call, post};

/// A page of somebody else's, as browsers say so.
const FOREIGN: [&[(&str, &str)]; 6] = [
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("host", "evil.example")],
    &[("host", "127.0.0.1.evil.example:3000")],
    &[("origin", "http://127.0.0.1.evil.example")],
    &[("origin", "http://localhost@evil.example")],
];
/// A picture, a script or a form of such a page says less.
const SILENT: &[(&str, &str)] = &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
/// Somebody follows a link of such a page.
const FOLLOWED: &[(&str, &str)] =
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
/// Such a page shows a page of ours inside.
const FRAMED: &[(&str, &str)] =
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];

/// The processes of the functions: their environment and their command line.
fn functions(service: &Service) -> Vec<(String, String)> {
    let children = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.split_whitespace().eq(["PPid:", &service.pid.to_string()]))
    });
    let text =
        |file: std::path::PathBuf| String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).replace('\0', "\n");
    children.map(|entry| (text(entry.path().join("environ")), text(entry.path().join("cmdline")))).collect()
}

#[test]
fn whatever_a_foreign_page_sends_nothing_is_done() {
    let service = Service::start("attack-pages");
    assert_eq!(call("GET", &format!("{}/plans/list", service.api), &[], None).0, 200);
    let create = format!("{}/?Action=CreateTopic&Version=2010-03-31&Name=owned", service.aws);
    let next = functions(&service).into_iter().find_map(|(environment, _)| {
        let address = environment.lines().find_map(|line| line.strip_prefix("AWS_LAMBDA_RUNTIME_API="))?;
        Some(format!("http://{address}/2018-06-01/runtime/invocation/next"))
    });
    let event = json!({ "event_type": "BILLING.PLAN.CREATED" }).to_string();
    let subscription = json!({ "plan_id": PLAN, "custom_id": "owned" }).to_string();
    let asked = [
        ("GET", create.clone(), ""),
        ("POST", create, ""),
        ("GET", next.unwrap(), ""),
        ("POST", format!("{}/_sandbox/events", service.paypal), event.as_str()),
        ("POST", format!("{}/_sandbox/events", service.console), event.as_str()),
        ("POST", format!("{}/api/reset", service.console), "{}"),
        ("POST", format!("{}/subscription/create", service.api), subscription.as_str()),
    ];
    for (method, url, body) in &asked {
        let is_api = url.starts_with(&service.api);
        // On AWS an API cannot tell a picture's request from a program's, and neither can this one.
        let more: &[&[(&str, &str)]] = if is_api { &[] } else { &[SILENT, FRAMED] };
        for foreign in FOREIGN.iter().chain(more) {
            let headers = [&[("content-type", "application/json")][..], foreign].concat();
            let (status, said) = call(method, url, &headers, Some(body));
            assert_eq!(status, 403, "{method} {url} {foreign:?}: {said}");
        }
    }
    // Nothing happened: no topic, no subscription, no event; and what is of this machine is answered.
    let topics = call("POST", &format!("{}/?Action=ListTopics&Version=2010-03-31", service.aws), &[], None);
    assert!(topics.0 == 200 && !topics.1.contains("owned"), "{topics:?}");
    assert!(service.sandbox("subscriptions").is_empty() && service.sandbox("deliveries").is_empty());
}

#[test]
fn links_lead_here_and_pages_that_the_template_names_may_call_the_api() {
    let service = Service::start("attack-links");
    let approval = post(&format!("{}/subscription/create", service.api), &json!({ "plan_id": PLAN }));
    let approval = serde_json::from_str::<Value>(&approval.1).unwrap()["approval_url"].as_str().unwrap().to_owned();
    for page in [&service.console, &approval] {
        assert_eq!(call("GET", page, FOLLOWED, None).0, 200, "{page}");
        assert_eq!(call("POST", page, FOLLOWED, None).0, 403, "{page}");
        assert_eq!(call("GET", page, FRAMED, None).0, 403, "{page}");
    }
    // The console's page is allowed by name, with the port that it really has; it may also ask as this machine's own.
    let plans = format!("{}/plans/list", service.api);
    assert_eq!(call("GET", &plans, &[("origin", &service.console)], None).0, 200);
    assert_eq!(call("GET", &plans, &[("origin", "http://localhost:5173")], None).0, 200);
    let asks = [("origin", "https://evil.example"), ("access-control-request-method", "GET")];
    assert_eq!(call("OPTIONS", &plans, &asks, None).0, 403);
}

/// Opens a connection and sends what is no whole request.
fn begun(url: &str, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[test]
fn a_hundred_slow_clients_on_each_port_keep_no_event_waiting() {
    let service = Service::start("attack-slow");
    let finished = service.inbox("inbox");
    let slow: Vec<_> = [&service.api, &service.aws, &service.paypal, &service.console]
        .into_iter()
        .flat_map(|url| {
            (0..100).map(move |number| match number % 3 {
                0 => begun(url, ""),
                1 => begun(url, "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: "),
                _ => begun(url, "POST /webhook/receiver HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{"),
            })
        })
        .collect();
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    service.tell_sandbox(&format!("subscriptions/{}/renew", ids[0].as_str().unwrap()), &json!({}));
    assert_eq!(service.next(&finished)["outcome"], "invoiced");
    drop(slow);
}

/// Sends bytes that no HTTP library would; what comes back.
fn raw(url: &str, request: &str) -> String {
    let mut stream = begun(url, request);
    let mut said = Vec::new();
    // Whoever refuses may end the connection before all was read.
    let _ended = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn no_header_and_no_path_becomes_another_header_or_another_line_of_a_log() {
    let service = Service::start("attack-injection");
    let (events, made) = (service.queue("forged"), json!({ "event_type": "BILLING.PLAN.CREATED", "deliver": false }));
    let made = service.tell_sandbox("events", &made);
    let body = made["body"].as_str().unwrap();
    let mut headers = made["headers"].clone();
    headers["paypal-transmission-id"] = json!("x\"}{\"signal\":\"rate_limited");
    assert_eq!(service.deliver(body, &headers).0, 200);
    assert_eq!(service.next(&events)["reason"], "wrong_signature");
    let logged = service.log("/aws/lambda/paypal-subscriptions-local-webhook-verify").join("\n");
    assert!(logged.contains("[not an id]") && !logged.contains("rate_limited"), "{logged}");

    // A line feed ends a header, and what follows it is refused or another header of the same request; never of an answer.
    for request in [
        "GET /plans/list%0d%0aset-cookie:%20a=b HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        "GET /plans/list HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: b\nset-cookie: a=b\r\nconnection: close\r\n\r\n",
        "GET /plans/list\u{1b}[31m HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        "GET /plans/list\u{9b}31m\u{202e} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        "GET /plans/list HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: \u{1b}[31m\r\nconnection: close\r\n\r\n",
    ] {
        for url in [&service.api, &service.paypal, &service.aws, &service.console] {
            let said = raw(url, request).to_ascii_lowercase();
            let head = said.split("\r\n\r\n").next().unwrap();
            assert!(!head.contains("set-cookie") && !said.contains('\u{1b}'), "{request:?}: {said}");
        }
    }
    // The last of them is told of before this.
    assert_eq!(call("GET", &format!("{}/after", service.api), &[], None).0, 404);
    service.lines.wait_for("GET /after -> 404");
    let told = service.lines.all();
    assert!(
        !told.contains(|letter: char| letter.is_control() && letter != '\n') && !told.contains('\u{202e}'),
        "{told}"
    );

    // What buyers say of themselves is text on the approval page. A bracket is in no address that the service takes.
    let email = "ann&lt@example.com";
    let created = json!({ "plan_id": PLAN, "email_address": email });
    let created = post(&format!("{}/subscription/create", service.api), &created).1;
    let approval = serde_json::from_str::<Value>(&created).unwrap()["approval_url"].as_str().unwrap().to_owned();
    let page = call("GET", &approval, &[], None).1;
    assert!(page.contains("ann&amp;lt@example.com") && !page.contains("ann&lt"), "{page}");
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_and_harms_nobody() {
    let service = Service::start("attack-size");
    let finished = service.inbox("inbox");
    let json_10 = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.ListQueues")];
    let deep = format!("{}{}", "[".repeat(80_000), "]".repeat(80_000));
    let event = format!(r#"{{"id":"WH-1","event_type":"A.B","resource":{deep}}}"#);
    // As deep as the body is long: read over where nobody needs it, and out again byte for byte.
    let signed = service.tell_sandbox("sign", &json!({ "body": event }));
    assert_eq!(service.deliver(&event, &signed["headers"]).0, 200);
    let until = std::time::Instant::now() + crate::service::PATIENCE;
    while service.depth(&finished) == 0 {
        assert!(std::time::Instant::now() < until, "a deep event does not come to its end");
        std::thread::yield_now();
    }
    let create = format!("{}/subscription/create", service.api);
    let kind = ("content-type", "application/json");
    for (url, headers, body, status) in [
        (&create, &[kind][..], deep.clone(), 400),
        (&create, &[kind], format!("{{\"plan_id\":{deep}}}"), 400),
        (&create, &[kind], " ".repeat(10 * 1024 * 1024 + 1), 413),
        (&format!("{}/webhook/receiver", service.api), &[kind], " ".repeat(10 * 1024 * 1024 + 1), 413),
        (&service.aws, &json_10, deep.clone(), 400),
        (&service.aws, &json_10, " ".repeat(9 << 20), 413),
        (&format!("{}/_sandbox/events", service.paypal), &[kind], deep.clone(), 400),
        (&format!("{}/_sandbox/events", service.paypal), &[kind], " ".repeat(2 << 20), 413),
        (&format!("{}/api/request", service.console), &[kind], deep, 422),
        (&format!("{}/api/request", service.console), &[kind], " ".repeat(3 << 20), 413),
    ] {
        let sent = body.len();
        let (got, said) = call("POST", url, headers, Some(&body));
        assert_eq!(got, status, "{url} with {sent} bytes: {said}");
    }
    let many = [("x-long", "x".repeat(12_000))];
    let many: Vec<_> = many.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(call("GET", &format!("{}/plans/list", service.api), &many, None).0, 431);
    // Everything still works.
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    service.tell_sandbox(&format!("subscriptions/{}/renew", ids[0].as_str().unwrap()), &json!({}));
    let until = std::time::Instant::now() + crate::service::PATIENCE;
    while service.sandbox("invoices").first().is_none_or(|invoice| invoice["document"]["status"] != "MARKED_AS_PAID") {
        assert!(std::time::Instant::now() < until, "no invoice is paid");
        std::thread::yield_now();
    }
}

#[test]
fn no_secret_is_in_a_process_list_and_functions_see_nothing_of_the_developers() {
    let service = Service::start("attack-secrets");
    assert_eq!(call("GET", &format!("{}/plans/list", service.api), &[], None).0, 200);
    let functions = functions(&service);
    assert!(!functions.is_empty());
    for (environment, command_line) in functions {
        assert!(environment.contains("AWS_LAMBDA_FUNCTION_NAME="), "{environment}");
        for secret in [DEVELOPERS_SECRET, "local-secret"] {
            assert!(!environment.contains(secret) && !command_line.contains(secret), "{environment}\n{command_line}");
        }
        let names: BTreeSet<_> =
            environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert!(!names.contains("HOME") && !names.contains("USER"), "{names:?}");
    }
    let own = fs::read(format!("/proc/{}/cmdline", service.pid)).unwrap();
    let own = String::from_utf8_lossy(&own);
    assert!(
        own.contains("--ready-file") && ![DEVELOPERS_SECRET, "local-secret"].iter().any(|secret| own.contains(secret))
    );
    // Who asks for the secret without a name for it gets none.
    let headers = [("x-amz-target", "secretsmanager.ListSecrets"), ("content-type", "application/x-amz-json-1.1")];
    let listed = call("POST", &service.aws, &headers, Some("{}")).1;
    assert!(!listed.contains("local-secret"), "{listed}");
}
