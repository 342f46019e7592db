use super::*;

fn prod() -> String {
    include_str!("../../../environments/prod.yaml").to_owned()
}

/// Reads `prod` with one text replaced by another, which must be there; answers the mistakes, a line each.
fn mistakes(from: &str, to: &str) -> String {
    let text = prod();
    assert!(text.contains(from), "{from} is not in prod.yaml");
    let read = Environment::parse("prod", "prod.yaml", &text.replacen(from, to, 1));
    read.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn every_environment_of_the_repository_is_read() {
    for (name, text) in [
        ("local", include_str!("../../../environments/local.yaml")),
        ("dev", include_str!("../../../environments/dev.yaml")),
        ("prod", include_str!("../../../environments/prod.yaml")),
    ] {
        let read = Environment::parse(name, &format!("environments/{name}.yaml"), text);
        assert!(read.is_ok(), "{}", read.unwrap_err());
    }
}

#[test]
fn mistakes_name_the_place_and_the_mend() {
    for (from, to, place, problem) in [
        ("region: eu-west-1", "regio: eu-west-1", "prod.yaml:4:1", "unknown field `regio`"),
        ("region: eu-west-1\n", "", "prod.yaml:", "missing field `region`"),
        ("log_retention_days: 90", "log_retention_days: many", "prod.yaml:7:21", "invalid"),
        ("log_retention_days: 90", "log_retention_days: 42", "prod.yaml:7:1", "cannot keep logs for 42 days"),
        ("encryption: customer-key", "encryption: some", "prod.yaml:6:13", "unknown variant `some`"),
        (
            "  name: subscriptions.example.com",
            "  name: subscriptions.example.org",
            "prod.yaml:10:3",
            "not inside the hosted zone",
        ),
        (
            "  name: subscriptions.example.com",
            "  name: evilexample.com",
            "prod.yaml:10:3",
            "not inside the hosted zone",
        ),
        (
            "visibility_seconds: 180,",
            "visibility_seconds: 80,",
            "prod.yaml:61:17",
            "hidden for 80 s, and webhook-verify may take 15 s",
        ),
        ("timeout_seconds: 15, reserved", "timeout_seconds: 30, reserved", "prod.yaml:", "API Gateway gives up"),
        ("  webhook-process:", "  webhook-proces:", "prod.yaml:53:3", "no such function"),
        (
            "url: https://api-m.paypal.com",
            "url: http://api-m.paypal.com",
            "prod.yaml:28:3",
            "not an address that is safe",
        ),
        (
            "      - https://api.paypal.com",
            "      - http://api.paypal.com",
            "prod.yaml:35:9",
            "not an address that is safe",
        ),
        ("account: \"222222222222\"", "account: \"22\"", "prod.yaml:3:1", "not an AWS account"),
        (
            "    certificate_names:\n      - messageverificationcerts.paypal.com",
            "    certificate_names:\n      - messageverificationcerts.sandbox.paypal.com",
            "prod.yaml:",
            "belongs to PayPal's sandbox world, and paypal.url to the live one",
        ),
        (
            "      - https://api-m.paypal.com",
            "      - https://api-m.sandbox.paypal.com",
            "prod.yaml:",
            "belongs to PayPal's sandbox world, and paypal.url to the live one",
        ),
        (
            "url: https://api-m.paypal.com",
            "url: https://api-m.sandbox.paypal.com",
            "prod.yaml:",
            "holds nothing of PayPal's sandbox, and paypal.url is the sandbox's",
        ),
        ("visibility_seconds: 180,", "visibility_seconds: 90,", "prod.yaml:", "1000 receives can be used up in"),
        ("max_receives: 600", "max_receives: 200", "prod.yaml:", "200 receives can be used up in"),
        (
            "visibility_seconds: 360, max_receives: 600",
            "visibility_seconds: 7200, max_receives: 600",
            "prod.yaml:",
            "drops messages after ten days",
        ),
        (
            "reserved_concurrency: 50",
            "reserved_concurrency: 0",
            "prod.yaml:",
            "0 execution environments cannot be reserved",
        ),
        ("timeout_seconds: 60 }", "timeout_seconds: 60, reserved_concurrency: 9 }", "prod.yaml:", "use 10 to 1000"),
        (
            "    webhook-receiver: { requests",
            "    webhook-verify: { requests",
            "prod.yaml:",
            "no route leads to a function",
        ),
        ("requests_per_second: 100, burst: 200", "requests_per_second: 0, burst: 200", "prod.yaml:", "are not limits"),
        ("access_log_retention_days: 7", "access_log_retention_days: 8", "prod.yaml:", "cannot keep logs for 8 days"),
        ("nothing_finished_hours: 24", "nothing_finished_hours: 169", "prod.yaml:", "cannot watch 169 hours"),
        ("batch_size: 10", "batch_size: 11", "prod.yaml:61:62", "11 is out of range"),
        ("runbooks: https:", "runbooks: http:", "prod.yaml:75:3", "not an address that a heading can be added to"),
        ("RUNBOOKS.md\n", "RUNBOOKS.md#top\n", "prod.yaml:75:3", "not an address that a heading can be added to"),
        (
            "  note: Thank",
            "  language: German\n  note: Thank",
            "prod.yaml:49:3",
            "\"German\" is not a language that PayPal takes",
        ),
        (
            "  note: Thank",
            "  phones: [{ country_code: \"+49\", national_number: \"30123456\" }]\n  note: Thank",
            "prod.yaml:",
            "not a phone number that PayPal takes",
        ),
        (
            "  note: Thank",
            "  additional_recipients: [ledger]\n  note: Thank",
            "prod.yaml:",
            "\"ledger\" is not an e-mail address",
        ),
        (
            "  note: Thank",
            "  memo: \"\"\n  note: Thank",
            "prod.yaml:49:3",
            "has 0 characters, and PayPal takes 1 to 400",
        ),
        ("personal_data: include", "personal_data: hidden", "prod.yaml:101:16", "unknown variant `hidden`"),
        ("watch_minutes: 5", "watch_minutes: 181", "prod.yaml:81:3", "watches no alarms for 181 minutes"),
        ("hotswap: forbid", "hotswap: never", "prod.yaml:80:12", "unknown variant `never`"),
        ("service: paypal-subscriptions", "service: [", "prod.yaml:", ""),
        ("    - widen-iam\n", "    - widen-iams\n", "prod.yaml:90:7", "unknown variant `widen-iams`"),
        (
            "  deny:\n",
            "  allow:\n    - { guard: widen-iam, resource: Worker-Role, reason: x }\n  deny:\n",
            "prod.yaml:",
            "Worker-Role",
        ),
        (
            "  deny:\n    - replace-stateful\n",
            "  allow:\n    - { guard: replace-stateful, resource: Queue, reason: moved }\n  deny:\n",
            "prod.yaml:86:9",
            "replace-stateful is not denied",
        ),
        (
            "  deny:\n",
            "  allow:\n    - { guard: widen-iam, resource: Role, reason: '' }\n  deny:\n",
            "prod.yaml:86:43",
            "nobody will know why widen-iam is allowed for Role",
        ),
        (
            "  deny:\n",
            "  allow:\n    - { guard: widen-iam, resource: Role, reason: x, until: soon }\n  deny:\n",
            "prod.yaml:",
            "\"soon\" is not a day",
        ),
    ] {
        let said = mistakes(from, to);
        assert!(said.starts_with(place), "{from} -> {to}: {said}");
        assert!(said.contains(problem) && said.contains("\n  mend: "), "{from} -> {to}: {said}");
    }
}

#[test]
fn all_impossible_values_are_named_at_once_in_the_order_of_the_file() {
    let text =
        prod().replace("log_retention_days: 90", "log_retention_days: 42").replace("batch_size: 5", "batch_size: 50");
    let error = Environment::parse("prod", "prod.yaml", &text).unwrap_err();
    let lines: Vec<_> = error.mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [7, 62]);
}

#[test]
fn what_is_not_said_about_deployments_is_safe() {
    let text = prod();
    let (before, _) = text.split_once("\ndeployment:").unwrap();
    let prod = Environment::parse("prod", "prod.yaml", before).unwrap();
    assert_eq!(prod.deployment, Deployment::default());
    let Deployment { termination_protection, protect_stateful, hotswap, .. } = prod.deployment;
    assert!(termination_protection && protect_stateful && hotswap == Hotswap::Forbid);
}

#[test]
fn an_origin_can_be_moved_but_not_a_longer_one_that_begins_alike() {
    let text = include_str!("../../../environments/local.yaml");
    let local = Environment::parse("local", "local.yaml", text).unwrap();
    let moved = local.clone().moved("http://127.0.0.1:3002", "http://127.0.0.1:9");
    assert_eq!(moved.paypal.url, "http://127.0.0.1:9");
    assert_eq!(moved.paypal.webhook.certificate_origins, ["http://127.0.0.1:9"]);
    assert_eq!(local.clone().moved("http://127.0.0.1:300", "x"), local);
}

/// PayPal's simulator signs with the live certificate: only the webhook's id keeps its events from being believed.
#[test]
fn webhook_id_of_the_simulator_is_refused_for_live_payments_only() {
    let said = mistakes("webhook_id: 4JH86294D6297924G", "webhook_id: WEBHOOK_ID");
    assert!(said.contains("paypal.webhook.webhook_id: WEBHOOK_ID is the id of PayPal's webhook simulator"), "{said}");
    let dev = include_str!("../../../environments/dev.yaml");
    let line = dev.lines().find(|line| line.contains("webhook_id:")).unwrap();
    let read = Environment::parse("dev", "dev.yaml", &dev.replace(line, "    webhook_id: WEBHOOK_ID"));
    assert!(read.is_ok(), "{}", read.unwrap_err());
}
