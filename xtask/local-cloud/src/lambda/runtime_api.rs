//! The Runtime API of one execution environment.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, oneshot, watch},
};

use super::{FunctionError, lock};
use crate::wire;

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

/// Serves the endpoint until it is aborted.
pub(super) async fn serve(listener: TcpListener, slot: Arc<Slot>) {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(initialization_error))
        .layer(DefaultBodyLimit::max(LONGEST_ANSWER))
        // A page that guesses the port would take the event from the function, or answer in its place.
        .layer(from_fn(wire::own::own_only))
        .with_state(slot);
    wire::serve::serve(listener, router).await;
}

/// Waits for an event, as long as it takes.
async fn next(State(slot): State<Arc<Slot>>) -> Response {
    slot.polled.send_replace(true);
    let Some(event) = slot.waiting.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", event.function_arn),
        ("lambda-runtime-trace-id", event.trace),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.payload).into_response()
}

async fn response(
    State(slot): State<Arc<Slot>>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => accepted(slot.answer(&id, Ok(body))),
        Err(_) => {
            let message =
                format!("Response payload size exceeded maximum allowed payload size ({LONGEST_ANSWER} bytes).");
            slot.answer(&id, Err(FunctionError::new("Function.ResponseSizeTooLarge", &id, &message)));
            let body = json!({ "errorType": "RequestEntityTooLarge", "errorMessage": message });
            (StatusCode::PAYLOAD_TOO_LARGE, Json(body)).into_response()
        }
    }
}

async fn error(State(slot): State<Arc<Slot>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    accepted(slot.answer(&id, Err(told(&headers, body))))
}

async fn initialization_error(State(slot): State<Arc<Slot>>, headers: HeaderMap, body: Bytes) -> Response {
    *lock(&slot.initialization_error) = Some(told(&headers, body));
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
    if known {
        return (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response();
    }
    let body = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
