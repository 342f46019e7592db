//! The clock, and a fresh start.
//!
//! - `GET /api/clock` answers `{"now": "2026-11-01T12:00:00Z", "ahead_seconds": 0}`.
//! - `POST /api/clock` with `{"advance_seconds": 30}` puts the clock forward and answers the same.
//! - `POST /api/reset` makes queues and topics as the template has them, and answers 204.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};

use super::{Refusal, Shared};
use crate::clock::Clock;

#[derive(Serialize)]
pub(super) struct Shown {
    /// RFC 3339.
    now: String,
    ahead_seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    advance_seconds: f64,
}

impl From<&Clock> for Shown {
    fn from(clock: &Clock) -> Self {
        Self { now: clock.timestamp().to_string(), ahead_seconds: clock.ahead().as_secs_f64() }
    }
}

pub(super) async fn clock(State(shared): State<Arc<Shared>>) -> Json<Shown> {
    Json(Shown::from(&shared.cloud.services.control.clock))
}

pub(super) async fn advance(
    State(shared): State<Arc<Shared>>,
    wanted: Result<Json<Advance>, JsonRejection>,
) -> Result<Json<Shown>, Refusal> {
    let wrong = |error: JsonRejection| format!("send {{\"advance_seconds\": 30}}: {}", error.body_text());
    let Json(Advance { advance_seconds }) = wanted.map_err(|error| Refusal::bad(&wrong(error)))?;
    let by = Duration::try_from_secs_f64(advance_seconds)
        .map_err(|_| Refusal::bad(&format!("a clock goes forward only, and {advance_seconds} s is no such time")))?;
    let control = &shared.cloud.services.control;
    control.advance(by).map_err(|error| Refusal::bad(&error))?;
    Ok(Json(Shown::from(&control.clock)))
}

pub(super) async fn reset(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.cloud.services.control.reset();
    StatusCode::NO_CONTENT
}
