//! What a deployment costs in calls and bytes, counted between the real command and the emulator.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use contract::functions::ALL;
use tokio::runtime::Runtime;

use crate::emulator::{Emulator, Project};

/// A call, as it came by.
struct Call {
    /// `CreateChangeSet`, or `PUT` and its like for S3.
    action: String,
    bytes: usize,
}

/// Hands calls on, and counts them.
struct Counter {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Way {
    to: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Counter {
    fn before(url: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let way = Way { to: url.to_owned(), calls: calls.clone() };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(pass).with_state(way)).await });
        Self { url: format!("http://{address}"), calls, _runtime: runtime }
    }

    /// What came by since this was asked last.
    fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

async fn pass(State(way): State<Way>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    way.calls.lock().unwrap().push(Call { action: action(&parts, &body), bytes: body.len() });
    tokio::task::spawn_blocking(move || hand_on(&way.to, parts, body)).await.unwrap()
}

fn action(parts: &axum::http::request::Parts, body: &Bytes) -> String {
    if let Some(target) = parts.headers.get("x-amz-target") {
        return target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    }
    let form =
        url::form_urlencoded::parse(body).find(|(name, _)| name == "Action").map(|(_, value)| value.into_owned());
    // CloudWatch's protocol has the operation in the path.
    let operation = parts.uri.path().split_once("/operation/").map(|(_, operation)| operation.to_owned());
    // S3 says by a word behind the path what of an object is meant, such as `?tagging`.
    let word =
        parts.uri.query().and_then(|query| query.split(['=', '&']).next()).filter(|word| !word.starts_with("x-"));
    let rest = word.map_or_else(|| parts.method.to_string(), |word| format!("{} ?{word}", parts.method));
    form.or(operation).unwrap_or(rest)
}

fn hand_on(to: &str, parts: axum::http::request::Parts, body: Bytes) -> Response {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
    let mut request = ureq::http::Request::builder().method(parts.method.as_str()).uri(format!("{to}{}", parts.uri));
    for (name, value) in
        parts.headers.iter().filter(|(name, _)| *name != "content-length" && *name != "transfer-encoding")
    {
        request = request.header(name.as_str(), value.as_bytes());
    }
    let mut answer = agent.run(request.body(body.to_vec()).unwrap()).unwrap();
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name.as_str(), value.as_bytes());
    }
    let head = parts.method == axum::http::Method::HEAD;
    let body = if head { Vec::new() } else { answer.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap() };
    response.body(Body::from(body)).unwrap()
}

#[test]
fn nothing_is_uploaded_twice_and_few_calls_are_made() {
    let emulator = Emulator::start("calls");
    let counter = Counter::before(&emulator.url);
    let project = Project::new("calls-project", "local", &counter.url);
    let mut report = String::new();
    let mut measure = |what: &str, outcome: &str| -> (usize, usize) {
        project.deploy(&[]).outcome(outcome);
        let calls = counter.take();
        let uploads = calls.iter().filter(|call| call.action == "PUT");
        let (count, bytes) = uploads.fold((0, 0), |(count, bytes), call| (count + 1, bytes + call.bytes));
        let actions: Vec<_> = calls.iter().map(|call| call.action.as_str()).collect();
        report += &format!("{what}: {} calls, {count} uploads, {bytes} bytes: {}\n", calls.len(), actions.join(" "));
        (calls.len(), count)
    };
    let (_, first) = measure("first deployment", "deployed");
    let (unchanged, none) = measure("no change", "unchanged");
    project.stand_in("plans-list", "second");
    let (_, function) = measure("one function changed", "deployed");
    project.edit("verified: { visibility_seconds: 30", "verified: { visibility_seconds: 40");
    let (_, queue) = measure("one queue changed", "deployed");
    println!("{report}");
    assert!(unchanged <= 6, "{report}");
    // Each changed template is uploaded beside the zips: it is too large for a request.
    assert_eq!((first, none, function, queue), (ALL.len() + 1, 0, 2, 1), "{report}");
}
