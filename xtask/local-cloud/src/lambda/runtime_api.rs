//! The Runtime API of one execution environment.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, oneshot, watch},
    task::yield_now,
};

use super::{FunctionError, lock};
use crate::wire::{
    self,
    serve::{Answers, Unread, unhurried},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a function may answer, in bytes.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LONGEST_ANSWER: usize = 6 * 1024 * 1024;

type Answer = Result<Bytes, FunctionError>;

/// An event on its way into the environment.
pub(super) struct Event {
    pub(super) request_id: String,
    /// When the work must be over, since the epoch.
    pub(super) deadline_ms: u128,
    pub(super) function_arn: String,
    /// X-Ray's header.
    pub(super) trace: String,
    pub(super) payload: Bytes,
}

/// What the endpoint and the invoker share: one event at a time, and who waits for its answer.
pub(super) struct Slot {
    hand: mpsc::UnboundedSender<Event>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    current: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    polled: watch::Sender<bool>,
    initialization_error: Mutex<Option<FunctionError>>,
    initialization_failed: Notify,
}

impl Default for Slot {
    fn default() -> Self {
        let (hand, waiting) = mpsc::unbounded_channel();
        Self {
            hand,
            waiting: waiting.into(),
            current: Mutex::default(),
            polled: watch::channel(false).0,
            initialization_error: Mutex::default(),
            initialization_failed: Notify::new(),
        }
    }
}

impl Slot {
    /// Gives the environment an event; `answer` gets what becomes of it.
    pub(super) fn hand_over(&self, event: Event, answer: oneshot::Sender<Answer>) {
        *lock(&self.current) = Some((event.request_id.clone(), answer));
        // The receiver lives as long as the slot.
        let _received = self.hand.send(event);
    }

    /// Whether the environment has asked for an event yet.
    pub(super) fn polled(&self) -> watch::Receiver<bool> {
        self.polled.subscribe()
    }

    /// Waits for the environment to say that it cannot start.
    pub(super) async fn initialization_error(&self) -> FunctionError {
        loop {
            let failed = self.initialization_failed.notified();
            if let Some(error) = lock(&self.initialization_error).take() {
                return error;
            }
            failed.await;
        }
    }

    /// Answers the event of this id; false when it is not the one that is worked on.
    fn answer(&self, request_id: &str, answer: Answer) -> bool {
        let mut current = lock(&self.current);
        match current.take_if(|(id, _)| id == request_id) {
            // Whoever waited may have given up; that it comes too late is then no error of the function's.
            Some((_, waiting)) => waiting.send(answer).is_ok(),
            None => false,
        }
    }
}

/// The endpoint of one environment.
#[derive(Clone)]
struct Endpoint(Arc<Slot>);

/// Serves the endpoint until it is aborted.
pub(super) async fn serve(listener: TcpListener, slot: Arc<Slot>) {
    wire::serve::serve(listener, Endpoint(slot)).await;
}

impl Answers for Endpoint {
    async fn answer(&self, _peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        // A page that guesses the port would take the event from the function, or answer in its place.
        if !wire::own::is_own(&parts.headers) {
            return wire::own::refusal();
        }
        let slot = &self.0;
        let path = parts.uri.path().strip_prefix("/2018-06-01/runtime/").unwrap_or_default();
        let call = match path.strip_prefix("invocation/") {
            Some("next") => Call::Next,
            Some(invocation) => match invocation.split_once('/') {
                Some((id, "response")) => Call::Response(id),
                Some((id, "error")) => Call::Error(id),
                _ => return StatusCode::NOT_FOUND.into_response(),
            },
            None if path == "init/error" => Call::InitializationError,
            None => return StatusCode::NOT_FOUND.into_response(),
        };
        let wanted = if matches!(call, Call::Next) { Method::GET } else { Method::POST };
        if parts.method != wanted {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, wanted.as_str())]).into_response();
        }
        match call {
            Call::Next => next(slot).await,
            Call::Response(id) => response(slot, id, body).await,
            Call::Error(id) => match answered(body).await {
                Ok(body) => accepted(slot.answer(id, Err(told(&parts.headers, body)))),
                Err(refused) => refused,
            },
            Call::InitializationError => match answered(body).await {
                Ok(body) => initialization_error(slot, &parts.headers, body),
                Err(refused) => refused,
            },
        }
    }
}

/// What a function can ask for; the ids are those of invocations.
enum Call<'a> {
    Next,
    Response(&'a str),
    Error(&'a str),
    InitializationError,
}

/// Waits for an event, as long as it takes.
async fn next(slot: &Slot) -> Response {
    slot.polled.send_if_modified(|polled| !std::mem::replace(polled, true));
    let Some(event) = slot.waiting.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let mut response = Response::new(Body::from(event.payload));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", event.function_arn),
        ("lambda-runtime-trace-id", event.trace),
    ] {
        // A name with other letters than a header can have is no function's.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

async fn response(slot: &Slot, id: &str, body: Body) -> Response {
    match unhurried(body, LONGEST_ANSWER).await {
        Ok(body) => {
            let known = slot.answer(id, Ok(body));
            // Whoever waits for the answer has it first; the function does not need to know sooner that it was taken.
            yield_now().await;
            accepted(known)
        }
        // The function has ended, which is told as that.
        Err(Unread::Broken | Unread::TooSlow) => StatusCode::BAD_REQUEST.into_response(),
        Err(Unread::TooLong) => {
            let message =
                format!("Response payload size exceeded maximum allowed payload size ({LONGEST_ANSWER} bytes).");
            slot.answer(id, Err(FunctionError::new("Function.ResponseSizeTooLarge", id, &message)));
            let body = json!({ "errorType": "RequestEntityTooLarge", "errorMessage": message });
            (StatusCode::PAYLOAD_TOO_LARGE, Json(body)).into_response()
        }
    }
}

/// The body of an error, which is no longer than an answer; otherwise what the function is told.
async fn answered(body: Body) -> Result<Bytes, Response> {
    unhurried(body, LONGEST_ANSWER).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())
}

fn initialization_error(slot: &Slot, headers: &HeaderMap, body: Bytes) -> Response {
    *lock(&slot.initialization_error) = Some(told(headers, body));
    slot.initialization_failed.notify_one();
    accepted(true)
}

/// An error as the function tells it.
fn told(headers: &HeaderMap, body: Bytes) -> FunctionError {
    let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let header = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    let kind = parsed.get("errorType").and_then(serde_json::Value::as_str).or(header).unwrap_or("Unhandled");
    FunctionError { kind: kind.to_owned(), payload: body }
}

fn accepted(known: bool) -> Response {
    let (status, body) = if known {
        (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
    } else {
        (StatusCode::BAD_REQUEST, r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#)
    };
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}
