//! Lambda's own API: `Invoke`.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use axum::{
    Json,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Asynchronous, InvokeError, Lambda};

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
        "RequestResponse" => match lambda.invoke(function, payload).await {
            Ok(done) => {
                let executed =
                    [("x-amz-executed-version", "$LATEST".to_owned()), ("x-amzn-requestid", done.request_id)];
                match done.result {
                    Ok(answer) => (executed, answer).into_response(),
                    Err(error) => (executed, [("x-amz-function-error", "Unhandled")], error.payload).into_response(),
                }
            }
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

fn unknown(function: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", &format!("Function not found: {function}"))
}

fn refuse(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [("x-amzn-errortype", kind)], Json(json!({ "Type": "User", "Message": message }))).into_response()
}
