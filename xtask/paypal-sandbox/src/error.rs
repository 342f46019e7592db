//! Errors as PayPal writes them.
//!
//! Source: <https://developer.paypal.com/api/rest/responses/>

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An error answer: status, name, and the details.
pub(crate) struct Refusal {
    status: u16,
    name: &'static str,
    message: &'static str,
    details: Vec<Value>,
}

impl Refusal {
    fn new(status: u16, name: &'static str, message: &'static str) -> Self {
        Self { status, name, message, details: Vec::new() }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            401,
            "AUTHENTICATION_FAILURE",
            "Authentication failed due to invalid authentication credentials or a missing Authorization header.",
        )
    }

    pub(crate) fn not_found(what: &str) -> Self {
        let error = Self::new(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.");
        error.detail("INVALID_RESOURCE_ID", "", &format!("Specified resource ID does not exist: {what}."))
    }

    pub(crate) fn invalid() -> Self {
        Self::new(400, "INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema.")
    }

    pub(crate) fn unprocessable(issue: &str, field: &str, description: &str) -> Self {
        let message =
            "The requested action could not be performed, semantically incorrect, or failed business validation.";
        Self::new(422, "UNPROCESSABLE_ENTITY", message).detail(issue, field, description)
    }

    pub(crate) fn server(status: u16) -> Self {
        match status {
            429 => Self::new(429, "RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
            503 => Self::new(503, "SERVICE_UNAVAILABLE", "Service Unavailable."),
            401 => Self::unauthorized(),
            403 => Self::new(403, "NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
            other => Self::new(other, "INTERNAL_SERVER_ERROR", "An internal server error has occurred."),
        }
    }

    pub(crate) fn detail(mut self, issue: &str, field: &str, description: &str) -> Self {
        self.details.push(json!({ "issue": issue, "field": field, "location": "body", "description": description }));
        self
    }

    pub(crate) fn has_details(&self) -> bool {
        !self.details.is_empty()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, name, message, details } = self;
        let debug_id = crate::ids::debug_id();
        let body = json!({ "name": name, "message": message, "debug_id": debug_id, "details": details, "links": [] });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [("paypal-debug-id", debug_id)], Json(body)).into_response()
    }
}
