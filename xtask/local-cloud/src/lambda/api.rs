//! Lambda's own API: `Invoke` and `GetFunctionConfiguration`.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use axum::{
    Json,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Asynchronous, InvokeError, Lambda};

/// How much of the log an answer shows, in bytes: the end of it.
const TAIL: usize = 4096;

/// Answers `POST /2015-03-31/functions/{function}/invocations`.
pub(crate) async fn invoke(
    lambda: &Lambda,
    asynchronous: &Asynchronous,
    function: &str,
    headers: &HeaderMap,
    payload: Bytes,
) -> Response {
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
        let message = "Could not parse request body into json";
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message);
    }
    let kind = headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok()).unwrap_or("RequestResponse");
    match kind {
        "DryRun" if lambda.function(function).is_some() => StatusCode::NO_CONTENT.into_response(),
        "Event" => match asynchronous.send(function, payload) {
            Some(id) => (StatusCode::ACCEPTED, [("x-amzn-requestid", id)]).into_response(),
            None => unknown(function),
        },
        "RequestResponse" => match synchronous(lambda, function, headers, payload).await {
            Ok(response) => response,
            Err(InvokeError::Throttled) => {
                refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.")
            }
            Err(InvokeError::NoSuchFunction) => unknown(function),
        },
        "DryRun" => unknown(function),
        _ => {
            let message = format!("{kind} is no invocation type; use RequestResponse, Event or DryRun");
            refuse(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &message)
        }
    }
}

async fn synchronous(
    lambda: &Lambda,
    function: &str,
    headers: &HeaderMap,
    payload: Bytes,
) -> Result<Response, InvokeError> {
    let tail = headers.get("x-amz-log-type").is_some_and(|kind| kind == "Tail");
    let done =
        if tail { lambda.invoke_with_log(function, payload).await? } else { lambda.invoke(function, payload).await? };
    let log = tail.then(|| [("x-amz-log-result", encoded_tail(&done.log))]);
    let executed = [("x-amz-executed-version", "$LATEST".to_owned()), ("x-amzn-requestid", done.request_id)];
    let mut response = match done.result {
        Ok(answer) => (executed, answer).into_response(),
        Err(error) => (executed, [("x-amz-function-error", "Unhandled")], error.payload).into_response(),
    };
    for (name, value) in log.into_iter().flatten() {
        // Base64 is always a header's value.
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The end of the log, as base64.
fn encoded_tail(lines: &[String]) -> String {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let from = text.len().saturating_sub(TAIL);
    STANDARD.encode(text.as_bytes().get(from..).unwrap_or_default())
}

/// Answers `GET /2015-03-31/functions/{function}/configuration`.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
pub(crate) fn configuration(lambda: &Lambda, function: &str) -> Response {
    let Some((known, arn)) = lambda.function(function).zip(lambda.arn(function)) else { return unknown(function) };
    let configuration = json!({
        "FunctionName": known.name,
        "FunctionArn": arn,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "MemorySize": known.memory_mb,
        "Timeout": known.timeout.as_secs(),
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "LoggingConfig": { "LogFormat": "Text", "LogGroup": known.log_group },
    });
    Json(configuration).into_response()
}

fn unknown(function: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", &format!("Function not found: {function}"))
}

fn refuse(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [("x-amzn-errortype", kind)], Json(json!({ "Type": "User", "Message": message }))).into_response()
}
