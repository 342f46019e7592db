//! PayPal's sandbox, SNS and SQS around the functions' code, and a script that says what goes wrong at which call.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_sqs::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_types::SdkConfig;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use contract::{
    config::{PersonalData, Retry, Verification, WebhookTrust},
    event::{Finished, Rejected},
    functions::{WebhookProcess, WebhookVerify},
};
use handlers::{
    clients::{Queue, Topic},
    process::Processor,
    verify::{Checker, Verifier},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};
use url::Url;

pub(crate) const PLAN: &str = "P-5ML4271244454362WXNWU5NQ";
const WEBHOOK_ID: &str = "8PT597110X687430LKGECATA";
const ACCOUNT: &str = "000000000000";

/// What goes wrong at a call that the functions make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is refused before anything is done.
    Refused(u16),
    /// It is done, and the answer breaks off.
    LostAnswer,
    /// It is done, and the answer does not come.
    Silence,
    /// The function dies before anything is done.
    CrashBefore,
    /// It is done, and the function dies before it hears so.
    CrashAfter,
}

/// Which calls go wrong, counted from the beginning, and what has come out.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) faults: BTreeMap<usize, Fault>,
    pub(crate) calls: usize,
    /// What was sent to `verified.fifo`: group and body.
    pub(crate) verified: Vec<(String, String)>,
    pub(crate) finished: Vec<Finished>,
    pub(crate) rejected: Vec<Rejected>,
    /// What was sent to `forged` or to an error queue: the queue's name and the reason, in the order of `rejected`.
    pub(crate) rejected_to: Vec<(String, String)>,
    /// What was sent to `unverified` again: body and delay in seconds.
    pub(crate) delayed: Vec<(String, u64)>,
    /// Receipt handles whose visibility was changed, and to how many seconds.
    pub(crate) retimed: Vec<(String, u64)>,
    /// Answers of PayPal's by the beginning or the end of their path, in the place of the sandbox's: status, content type and body.
    pub(crate) answers: Vec<(&'static str, u16, &'static str, String)>,
    /// Answers of PayPal's that are given once, by the end of their path: a status.
    pub(crate) once: Vec<(&'static str, u16)>,
    /// Answers of PayPal's that are given once, by the beginning of their path: status and body.
    pub(crate) first: Vec<(&'static str, u16, String)>,
    /// The attributes of what was published.
    pub(crate) attributes: Vec<BTreeMap<String, String>>,
    /// Paths that PayPal was asked for.
    pub(crate) paths: Vec<String>,
}

struct Shared {
    script: Mutex<Script>,
    crash: Notify,
    sandbox: String,
    http: reqwest::Client,
}

/// Everything around the functions' code, and that code.
pub(crate) struct World {
    shared: Arc<Shared>,
    sandbox: Option<paypal_sandbox::Sandbox>,
    /// Where PayPal answers, through the door.
    paypal: String,
    pub(crate) verified: Queue,
    pub(crate) checker: Checker,
    pub(crate) processor: Processor,
}

impl World {
    /// A world without faults and without events.
    pub(crate) async fn new(seed: u64) -> Self {
        let (paypal_port, sandbox_port, aws_port) = (listener().await, listener().await, listener().await);
        let (paypal, sandbox_url, aws) = (origin(&paypal_port), origin(&sandbox_port), origin(&aws_port));
        let options = paypal_sandbox::Options {
            listener: sandbox_port,
            // Links and certificates lead through the door, where calls can go wrong.
            public_url: Url::parse(&paypal).unwrap(),
            webhook_url: Url::parse("http://127.0.0.1:1/").unwrap(),
            webhook_id: WEBHOOK_ID.to_owned(),
            client_id: "id".to_owned(),
            client_secret: "secret".to_owned(),
            search_lag: Duration::from_millis(3),
            ahead: tokio::sync::watch::channel(Duration::ZERO).1,
            seed,
            state: None,
        };
        let sandbox = paypal_sandbox::start(options).await.unwrap();
        let http = reqwest::Client::builder().build().unwrap();
        let shared = Arc::new(Shared { script: Mutex::default(), crash: Notify::new(), sandbox: sandbox_url, http });
        let door = Router::new().fallback(paypal_door).with_state(Arc::clone(&shared));
        let amazon = Router::new().fallback(aws_door).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(paypal_port, door).await });
        tokio::spawn(async move { axum::serve(aws_port, amazon).await });
        let config = aws_config(&aws);
        let client = paypal_client(&paypal);
        let (verify, process) = (verify_settings(&aws), process_settings(&aws));
        let trust = trust(&paypal, Verification::Offline, paypal_sandbox::AUTHORITY);
        let verified = Queue::new(&config, process.verified);
        Self {
            sandbox: Some(sandbox),
            checker: Checker {
                verifier: Verifier::new(&trust, client.clone()).unwrap(),
                retry: verify.retry,
                unverified: Queue::new(&config, verify.unverified),
                verified: Queue::new(&config, verify.verified),
                forged: Queue::new(&config, verify.forged),
                errors: Queue::new(&config, verify.errors),
            },
            processor: Processor {
                paypal: client,
                invoicer: process.invoicer,
                personal_data: PersonalData::Include,
                retry: process.retry,
                finished: Topic::new(&config, process.finished),
                errors: Queue::new(&config, process.errors),
            },
            verified,
            shared,
            paypal,
        }
    }

    /// Another verifier: in another way, or one that trusts another authority.
    pub(crate) fn verifier(&self, verification: Verification, authority: &str) -> Verifier {
        self.verifier_with(&self.trust(verification, authority))
    }

    pub(crate) fn verifier_with(&self, trust: &WebhookTrust) -> Verifier {
        Verifier::new(trust, paypal_client(&self.paypal)).unwrap()
    }

    /// The same checker with another verifier.
    pub(crate) fn checker_with(&self, trust: &WebhookTrust) -> Checker {
        let Checker { retry, unverified, verified, forged, errors, .. } = &self.checker;
        Checker {
            verifier: self.verifier_with(trust),
            retry: retry.clone(),
            unverified: unverified.clone(),
            verified: verified.clone(),
            forged: forged.clone(),
            errors: errors.clone(),
        }
    }

    pub(crate) fn trust(&self, verification: Verification, authority: &str) -> WebhookTrust {
        trust(&self.paypal, verification, authority)
    }

    /// The address that PayPal answers at.
    pub(crate) fn paypal(&self) -> &str {
        &self.paypal
    }

    /// The script of this run, to be read and written between calls.
    pub(crate) fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.shared.script.lock().unwrap()
    }

    /// Waits until the script has the function die.
    pub(crate) async fn crashed(&self) {
        self.shared.crash.notified().await;
    }

    /// Asks the sandbox's control for something, past the door.
    pub(crate) async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sandbox/{path}", self.shared.sandbox);
        let request = match body {
            Some(body) => self.shared.http.post(url).json(&body),
            None => self.shared.http.get(url),
        };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Asks PayPal for something, as the merchant would.
    pub(crate) async fn paypal_call(&self, path: &str, body: &Value) -> Value {
        let form = "grant_type=client_credentials";
        let kind = "application/x-www-form-urlencoded";
        let sandbox = &self.shared.sandbox;
        let token = self.shared.http.post(format!("{sandbox}/v1/oauth2/token")).basic_auth("id", Some("secret"));
        let token: Value = token.header("content-type", kind).body(form).send().await.unwrap().json().await.unwrap();
        let call =
            self.shared.http.post(format!("{sandbox}{path}")).bearer_auth(token["access_token"].as_str().unwrap());
        let answer = call.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// The same processor with another choice about personal data.
    pub(crate) fn processor_with(&self, personal_data: PersonalData) -> Processor {
        let Processor { paypal, invoicer, retry, finished, errors, .. } = &self.processor;
        Processor {
            paypal: paypal.clone(),
            invoicer: invoicer.clone(),
            personal_data,
            retry: retry.clone(),
            finished: finished.clone(),
            errors: errors.clone(),
        }
    }

    pub(crate) async fn end(mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
    }
}

fn trust(paypal: &str, verification: Verification, authority: &str) -> WebhookTrust {
    WebhookTrust {
        webhook_id: WEBHOOK_ID.to_owned(),
        verification,
        certificate_names: vec!["messageverificationcerts.sandbox.paypal.com".to_owned()],
        certificate_origins: vec![paypal.to_owned()],
        certificate_authorities: vec![authority.to_owned()],
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn origin(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

/// As in Lambda, but an answer that does not come is not waited for by the SDK: the schedule is what is repeated.
pub(crate) fn aws_config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_millis(120)).build())
        .sleep_impl(aws_sdk_sqs::config::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .build()
}

fn paypal_client(url: &str) -> paypal::Client {
    let credentials = json!({ "client_id": "id", "client_secret": "secret" });
    let credentials = Arc::new(serde_json::from_value::<paypal::Credentials>(credentials).unwrap());
    let config = paypal::Config {
        base_url: Url::parse(url).unwrap(),
        credentials,
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_millis(120),
        first_wait: Duration::from_micros(200),
    };
    paypal::Client::new(config).unwrap()
}

/// The functions' settings, read as in Lambda.
fn setting(aws: &str) -> impl Fn(&str) -> Option<String> {
    let queue = |name: &str| format!("{aws}/{ACCOUNT}/{name}");
    let retry = Retry { first_seconds: 1, longest_seconds: 10, give_up_after_seconds: 86_400 };
    let invoicer = json!({ "business_name": "Shop", "email_address": "billing@example.com" });
    let values = BTreeMap::from([
        ("UNVERIFIED", queue("unverified")),
        ("VERIFIED", queue("verified.fifo")),
        ("FORGED", queue("forged")),
        ("ERRORS", queue("errors")),
        ("FINISHED", format!("arn:aws:sns:eu-west-1:{ACCOUNT}:finished")),
        ("RETRY", serde_json::to_string(&retry).unwrap()),
        ("INVOICER", invoicer.to_string()),
        ("PERSONAL_DATA", r#""include""#.to_owned()),
        ("TRUST", r#"{"webhook_id":"W","verification":"offline","certificate_names":[],"certificate_origins":[],"certificate_authorities":[]}"#.to_owned()),
        ("PAYPAL_SECRET", format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:paypal")),
        ("PAYPAL_URL", "http://127.0.0.1:1".to_owned()),
    ]);
    move |name| values.get(name).cloned()
}

fn verify_settings(aws: &str) -> WebhookVerify {
    WebhookVerify::read(setting(aws)).unwrap()
}

fn process_settings(aws: &str) -> WebhookProcess {
    WebhookProcess::read(setting(aws)).unwrap()
}

/// Counts a call and does to it what the script says; `done` does the call itself.
async fn scripted(shared: &Shared, done: impl Future<Output = Response>) -> Response {
    let fault = {
        let mut script = shared.script.lock().unwrap();
        script.calls += 1;
        let call = script.calls;
        script.faults.remove(&call)
    };
    match fault {
        None => done.await,
        Some(Fault::Refused(status)) => {
            let body = json!({ "name": "REFUSED", "message": "by the script", "debug_id": "0" }).to_string();
            // Without `Retry-After`, a 429 would keep the client from calling for thirty seconds.
            let headers = [("content-type", "application/json"), ("retry-after", "0")];
            (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
        }
        Some(Fault::LostAnswer) => {
            done.await;
            let broken = futures_util::stream::iter([
                Ok::<_, std::io::Error>(Bytes::from_static(b"{")),
                Err(std::io::ErrorKind::ConnectionReset.into()),
            ]);
            ([("content-type", "application/json")], Body::from_stream(broken)).into_response()
        }
        Some(Fault::Silence) => {
            done.await;
            pending().await
        }
        Some(Fault::CrashBefore) => crash(shared).await,
        Some(Fault::CrashAfter) => {
            done.await;
            crash(shared).await
        }
    }
}

async fn crash(shared: &Shared) -> Response {
    shared.crash.notify_one();
    let never: Infallible = pending().await;
    match never {}
}

async fn paypal_door(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let mut headers = parts.headers;
    headers.remove("host");
    let answer = {
        let mut script = shared.script.lock().unwrap();
        script.paths.push(path.clone());
        let bare = path.split('?').next().unwrap_or_default();
        let first = script.first.iter().position(|(start, ..)| bare == *start);
        let once = script.once.iter().position(|(end, _)| bare.ends_with(end));
        if let Some(at) = first {
            let (start, status, body) = script.first.remove(at);
            Some((start, status, "application/json", body))
        } else if let Some(at) = once {
            let (end, status) = script.once.remove(at);
            Some((end, status, "application/json", r#"{"name":"BY_THE_SCRIPT"}"#.to_owned()))
        } else {
            script.answers.iter().find(|(part, ..)| path.starts_with(part) || path.ends_with(part)).cloned()
        }
    };
    if let Some((_, status, kind, body)) = answer {
        return (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body).into_response();
    }
    let done = async {
        let url = format!("{}{path}", shared.sandbox);
        let answer = shared.http.request(parts.method, url).headers(headers).body(body).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.unwrap();
        let kind = headers.get("content-type").cloned().unwrap_or_else(|| "application/json".parse().unwrap());
        (status, [("content-type", kind)], body).into_response()
    };
    scripted(&shared, done).await
}

async fn aws_door(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
    let done = async { aws(&mut shared.script.lock().unwrap(), target.as_deref(), &body) };
    scripted(&shared, done).await
}

/// What SNS and SQS do, as far as the functions ask them.
fn aws(script: &mut Script, target: Option<&str>, body: &[u8]) -> Response {
    let Some(target) = target else {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        script.finished.push(serde_json::from_str(&form["Message"]).unwrap());
        let names = form.iter().filter_map(|(key, name)| Some((key.strip_suffix(".Name")?, name)));
        let attributes = names.map(|(key, name)| (name.clone(), form[&format!("{key}.Value.StringValue")].clone()));
        let attributes = attributes.collect();
        script.attributes.push(attributes);
        let answer = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        return ([("content-type", "text/xml")], answer).into_response();
    };
    let request: Value = serde_json::from_slice(body).unwrap();
    let answer = match target {
        "AmazonSQS.ChangeMessageVisibility" => {
            let handle = request["ReceiptHandle"].as_str().unwrap().to_owned();
            script.retimed.push((handle, request["VisibilityTimeout"].as_u64().unwrap()));
            json!({})
        }
        "AmazonSQS.SendMessage" => {
            let message = request["MessageBody"].as_str().unwrap().to_owned();
            let queue = request["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            match queue.as_str() {
                "verified.fifo" => {
                    script.verified.push((request["MessageGroupId"].as_str().unwrap().to_owned(), message.clone()));
                }
                "unverified" => script.delayed.push((message.clone(), request["DelaySeconds"].as_u64().unwrap_or(0))),
                _ => {
                    let rejected: Rejected = serde_json::from_str(&message).unwrap();
                    script.rejected_to.push((queue, rejected.reason.clone()));
                    script.rejected.push(rejected);
                }
            }
            json!({ "MessageId": "1", "MD5OfMessageBody": format!("{:x}", md5::Md5::digest(message.as_bytes())) })
        }
        other => panic!("the functions ask for {other}"),
    };
    ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response()
}

use md5::Digest;
