//! What was deployed works: the functions, from the zips as they were uploaded, between somebody else's AWS and PayPal's
//! sandbox.
//!
//! The zips hold the binaries of a development build, because a release takes minutes, for this machine's processor, because
//! the emulator runs them as they are.

use contract::functions::ALL;
use paypal_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use url::Url;

use crate::{
    emulator::{Emulator, Project},
    service::{PLAN, binaries, call, post},
};

const CLIENT: &str = "client-of-a-test";
const SECRET: &str = "secret-of-a-test";
/// As `environments/local.yaml` names it.
const WEBHOOK: &str = "8PT597110X687430LKGECATA";

/// PayPal's sandbox, that sends webhooks to an address which is known only after a deployment that must know the sandbox's.
struct Paypal {
    runtime: Runtime,
    listener: Option<TcpListener>,
    sandbox: Option<Sandbox>,
    url: String,
}

impl Paypal {
    fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { runtime, listener: Some(listener), sandbox: None, url }
    }

    fn start(&mut self, receiver: &str) {
        let options = paypal_sandbox::Options {
            listener: self.listener.take().unwrap(),
            public_url: Url::parse(&self.url).unwrap(),
            webhook_url: Url::parse(receiver).unwrap(),
            webhook_id: WEBHOOK.to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.to_owned(),
            search_lag: std::time::Duration::from_secs(2),
            seed: 1,
            ahead: tokio::sync::watch::channel(std::time::Duration::ZERO).1,
            state: None,
        };
        self.sandbox = Some(self.runtime.block_on(paypal_sandbox::start(options)).unwrap());
    }
}

impl Drop for Paypal {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}

#[test]
fn plans_are_listed_and_a_signed_webhook_becomes_a_paid_invoice() {
    let emulator = Emulator::start("service");
    let mut paypal = Paypal::open();
    let project = Project::new("service-project", "local", &emulator.url);
    project.edit("http://127.0.0.1:3002", &paypal.url);
    if cfg!(target_arch = "aarch64") {
        project.edit("architecture: x86_64", "architecture: arm64");
    }
    for function in ALL {
        project.real(function.name, &binaries().join(function.name));
    }
    let outputs = project.deploy(&[]).outcome("deployed")["outputs"].clone();
    let secret = json!({ "client_id": CLIENT, "client_secret": SECRET }).to_string();
    emulator.ask(&project.account, &["secret", "paypal-subscriptions-local-paypal", &secret]);
    // The emulator takes a reference to a secret for its name; AWS, and what the functions rely on, for its ARN.
    emulator.ask(&project.account, &["arns", "PAYPAL_SECRET"]);
    let inbox = emulator.ask(&project.account, &["subscribe", outputs["FinishedTopicArn"].as_str().unwrap()]);

    // http://ID.execute-api.localhost:PORT: the emulator knows an API by the request's host, as AWS does.
    let host = outputs["ApiUrl"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let id = host.split('.').next().unwrap();
    // It has a path for those who cannot say another host than they connect to.
    paypal.start(&format!("{}/_aws/execute-api/{id}/$default/webhook/receiver", emulator.url));

    let (status, plans) = call("GET", &format!("{}/plans/list", emulator.url), &[("host", &host)], None);
    assert_eq!(status, 200, "{plans}");
    let plans: Value = serde_json::from_str(&plans).unwrap();
    assert!(plans["plans"].as_array().unwrap().iter().any(|plan| plan["id"] == PLAN), "{plans}");

    // The buyer subscribes; PayPal's sandbox charges and sends what PayPal sends.
    let wish = json!({ "plan_id": PLAN, "custom_id": "buyer-1", "given_name": "Ann", "surname": "Lee",
        "email_address": "ann@example.com" });
    let headers = [("host", host.as_str()), ("content-type", "application/json")];
    let (status, created) =
        call("POST", &format!("{}/subscription/create", emulator.url), &headers, Some(&wish.to_string()));
    assert_eq!(status, 200, "{created}");
    let created: Value = serde_json::from_str(&created).unwrap();
    let subscription = created["subscription_id"].as_str().unwrap();
    let (status, said) = post(&format!("{}/_sandbox/subscriptions/{subscription}/approve", paypal.url), &json!({}));
    assert!((200..300).contains(&status), "{said}");

    // Through SNS and SQS, three events come to the topic's end; one of them is the payment.
    let events: Vec<Value> =
        (0..3).map(|_| emulator.ask(&project.account, &["next", inbox.as_str().unwrap()])).collect();
    let sale = events.iter().find(|event| event["event_type"] == "PAYMENT.SALE.COMPLETED").unwrap();
    assert_eq!((&sale["outcome"], &sale["custom_id"]), (&json!("invoiced"), &json!("buyer-1")));
    let (_, invoices) = call("GET", &format!("{}/_sandbox/invoices", paypal.url), &[], None);
    let invoices: Value = serde_json::from_str(&invoices).unwrap();
    assert_eq!(invoices.as_array().unwrap().len(), 1, "{invoices}");
    assert_eq!(invoices[0]["document"]["status"], "MARKED_AS_PAID");
    assert_eq!(invoices[0]["document"]["id"], sale["invoice_id"]);
    assert_eq!(invoices[0]["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));

    // What somebody else signed goes no further than to the errors.
    let body = events[0]["event"].to_string();
    let (status, forged) = post(&format!("{}/_sandbox/forge", paypal.url), &json!({ "body": body }));
    assert_eq!(status, 200, "{forged}");
    let forged: Value = serde_json::from_str(&forged).unwrap();
    let forged = forged["headers"].as_object().unwrap().iter();
    let mut headers: Vec<_> = forged.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    headers.push(("host", &host));
    let (status, said) = call("POST", &format!("{}/webhook/receiver", emulator.url), &headers, Some(&body));
    assert_eq!(status, 200, "{said}");
    let given_up = emulator.ask(&project.account, &["next", outputs["ErrorsQueueUrl"].as_str().unwrap()]);
    assert_eq!(given_up["reason"], "unknown_authority", "{given_up}");
}
