//! What the console answers when it does not do what it is asked: `{"error": "..."}`.

use std::fmt::Display;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

pub(super) struct Refusal(StatusCode, String);

impl Refusal {
    /// What is asked for is not there.
    pub(super) fn gone(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("{what} is not there"))
    }

    /// What is asked for cannot be done.
    pub(super) fn bad(why: &impl Display) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}
