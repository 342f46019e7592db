//! Functions: how they are, what they said, and what they do when they are asked.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Refusal, Shared};
use crate::{
    lambda::{Function, Invocation, InvokeError},
    provision::is_called,
};

/// So many lines of a log are shown.
const MOST_LINES: usize = 300;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let functions = shared.cloud.services.lambda.functions().into_iter();
    let functions = functions.map(|(function, environments)| {
        json!({
            "name": function.name,
            "memory_mb": function.memory_mb,
            "timeout_seconds": function.timeout.as_secs(),
            "environments": environments,
            "reserved_concurrency": function.reserved_concurrency,
            "log_group": function.log_group,
        })
    });
    Json(Value::Array(functions.collect()))
}

/// The function of this name, or the only one whose name ends with it.
fn find(shared: &Shared, name: &str) -> Result<Function, Refusal> {
    let lambda = &shared.cloud.services.lambda;
    let mut ends = lambda.functions().into_iter().filter(|(function, _)| is_called(&function.name, name));
    let only = || ends.next().filter(|_| ends.next().is_none()).map(|(function, _)| function);
    lambda.function(name).or_else(only).ok_or_else(|| Refusal::gone("the function"))
}

pub(super) async fn log(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let function = find(&shared, &name)?;
    let lines = shared.cloud.services.logs.newest(&function.log_group, MOST_LINES).into_iter();
    Ok(Json(lines.map(|(at_ms, text)| json!({ "at_ms": at_ms, "text": text })).collect()))
}

/// Kills all environments of a function, to see what a crash does; answers how many there were.
pub(super) async fn kill(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<usize>, Refusal> {
    let function = find(&shared, &name)?;
    Ok(Json(shared.cloud.services.lambda.kill(&function.name)))
}

/// Invokes a function with the request's body as its event.
pub(super) async fn invoke(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    event: Bytes,
) -> Result<Json<Value>, Refusal> {
    let function = find(&shared, &name)?;
    serde_json::from_slice::<serde::de::IgnoredAny>(&event)
        .map_err(|error| Refusal::bad(&format!("the event is no JSON: {error}")))?;
    invoked(shared.cloud.services.lambda.invoke(&function.name, event).await)
}

/// What came of an invocation: the answer, or the error in its place.
pub(super) fn invoked(done: Result<Invocation, InvokeError>) -> Result<Json<Value>, Refusal> {
    let done = done?;
    let (error, payload) = match &done.result {
        Ok(answer) => (None, answer),
        Err(error) => (Some(error.kind.clone()), &error.payload),
    };
    Ok(Json(json!({ "request_id": done.request_id, "error": error, "body": String::from_utf8_lossy(payload) })))
}
