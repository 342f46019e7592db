//! The control API: the clock, and a fresh start.
//!
//! - `GET /api/clock` answers `{"now": "2026-11-01T12:00:00Z", "ahead_seconds": 0}`.
//! - `POST /api/clock` with `{"advance_seconds": 30}` puts the clock forward and answers the same.
//! - `GET /api/alarms` answers `[{"name": ..., "state": "OK", "reason": ...}]`.
//! - `POST /api/reset` makes queues and topics as the template has them, and answers 204.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use local_cloud::{Clock, Control, alarms::Told};
use serde::{Deserialize, Serialize};

pub(super) fn routes(control: Control) -> Router {
    Router::new()
        .route("/api/clock", get(clock).post(advance))
        .route("/api/reset", post(reset))
        .route("/api/alarms", get(alarms))
        .with_state(control)
}

#[derive(Serialize)]
struct Shown {
    /// RFC 3339.
    now: String,
    ahead_seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

impl From<&Clock> for Shown {
    fn from(clock: &Clock) -> Self {
        Self { now: clock.timestamp().to_string(), ahead_seconds: clock.ahead().as_secs_f64() }
    }
}

async fn clock(State(control): State<Control>) -> Json<Shown> {
    Json(Shown::from(&control.clock))
}

async fn advance(State(control): State<Control>, wanted: Result<Json<Advance>, JsonRejection>) -> Response {
    let refuse = |why: String| (StatusCode::BAD_REQUEST, Json(serde_json::json!({ "message": why }))).into_response();
    let Json(Advance { advance_seconds }) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return refuse(format!("send {{\"advance_seconds\": 30}}: {}", error.body_text())),
    };
    let by = match Duration::try_from_secs_f64(advance_seconds) {
        Ok(by) => by,
        Err(_) => return refuse(format!("a clock goes forward only, and {advance_seconds} s is no such time")),
    };
    match control.advance(by) {
        Ok(_) => Json(Shown::from(&control.clock)).into_response(),
        Err(error) => refuse(error.to_string()),
    }
}

async fn alarms(State(control): State<Control>) -> Json<Vec<Told>> {
    Json(control.alarms.told())
}

async fn reset(State(control): State<Control>) -> StatusCode {
    control.reset();
    StatusCode::NO_CONTENT
}
