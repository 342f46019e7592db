//! Webhooks: signed, delivered, delivered again, and verified.
//!
//! PayPal delivers up to 25 times over three days; here the waits begin with half a second, double, and stay at thirty
//! seconds, so that a morning is enough to see them.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/>

pub(crate) mod posted;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use posted::Posted;

use crate::{
    What,
    authority::{self, By},
    document::{set, text},
    error::Refusal,
    records::Delivery,
    state::{Shared, State as Known},
};

/// As often PayPal tries to deliver.
const ATTEMPTS: u32 = 25;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Notes that something is to be delivered, beside what it is about; the delivery's id, for [`begin`].
pub(crate) fn plan(state: &mut Known, posted: Posted) -> String {
    let event: Value = serde_json::from_str(&posted.signed).unwrap_or_default();
    let id = state.deliveries.len().to_string();
    let delivery = Delivery {
        event_id: text(&event, "/id").to_owned(),
        event_type: text(&event, "/event_type").to_owned(),
        posted,
        attempts: Vec::new(),
        delivered: false,
        over: false,
    };
    state.deliveries.insert(id.clone(), delivery);
    id
}

/// Delivers in the background until it is taken.
pub(crate) fn begin(shared: &Arc<Shared>, id: String) {
    let shared = Arc::clone(shared);
    let mut stopped = shared.stopped.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = attempts(&shared, &id) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
}

/// Goes on with what the process before this one had not delivered.
pub(crate) fn resume(shared: &Arc<Shared>) {
    let open: Vec<String> = {
        let state = shared.state();
        state.deliveries.iter().filter(|(_, delivery)| !delivery.over).map(|(id, _)| id.clone()).collect()
    };
    open.into_iter().for_each(|id| begin(shared, id));
}

async fn attempts(shared: &Shared, id: &str) {
    let Some(delivery) = shared.state().deliveries.get(id).cloned() else { return };
    let Delivery { event_id, event_type, posted: Posted { signed, tampered, age }, attempts: made, .. } = delivery;
    // One signature for all attempts, as the receiver must bear both.
    let by = if shared.state().expired.strikes() { By::Expired } else { By::Genuine };
    let headers = match shared.authority.headers(signed.as_bytes(), &shared.webhook_id, by, age).await {
        Ok(headers) => headers,
        Err(reason) => {
            shared.tell(What::Webhook { event_type, event_id, attempt: 0, result: reason }, None);
            return;
        }
    };
    let body = tampered.unwrap_or(signed);
    let mut wait = FIRST_WAIT;
    for attempt in u32::try_from(made.len()).unwrap_or(ATTEMPTS) + 1..=ATTEMPTS {
        let since = Instant::now();
        let result = post(shared, &headers, &body).await;
        let delivered = result.as_ref().is_ok_and(|status| (200..300).contains(status));
        let result = result.map_or_else(|reason| reason, |status| status.to_string());
        note(shared, id, &result, delivered);
        let (event_type, event_id) = (event_type.clone(), event_id.clone());
        shared.tell(What::Webhook { event_type, event_id, attempt, result }, Some(since.elapsed()));
        if delivered {
            return;
        }
        shared.clock.sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn note(shared: &Shared, id: &str, result: &str, delivered: bool) {
    if let Some(delivery) = shared.state().deliveries.get_mut(id) {
        delivery.attempts.push(result.to_owned());
        delivery.delivered = delivered;
        if delivered || delivery.attempts.len() >= ATTEMPTS as usize {
            delivery.over = true;
            // The event itself is known by its id; nobody posts it again from here.
            delivery.posted = Posted::genuine(String::new());
        }
    }
}

/// Posts once; answers the status, or what went wrong.
async fn post(shared: &Shared, headers: &serde_json::Map<String, Value>, body: &str) -> Result<u16, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = http::Request::post(&shared.webhook_url);
    for (name, value) in headers {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).map_err(|error| error.to_string())?;
    let exchange = async {
        let response = client.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        // The answer is read to its end, and not looked at.
        let _nobody_cares = Limited::new(response.into_body(), 1 << 20).collect().await;
        Ok(status)
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

pub(crate) async fn certificate(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match shared.authority.certificate(&id).await {
        Some(pem) => {
            let headers =
                [(header::CONTENT_TYPE, "application/x-pem-file"), (header::CACHE_CONTROL, "public, max-age=86400")];
            (headers, pem).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let state = shared.state();
    let events: Vec<Value> = state.events.values().filter_map(|body| serde_json::from_str(body).ok()).collect();
    Json(json!({ "count": events.len(), "events": events, "links": [] }))
}

pub(crate) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let state = shared.state();
    let body = state.events.get(&id).ok_or_else(|| Refusal::not_found("event"))?;
    let mut event: Value = serde_json::from_str(body).unwrap_or_default();
    let delivered = state.deliveries.values().any(|delivery| delivery.event_id == id && delivery.delivered);
    set(&mut event, "status", json!(if delivered { "SUCCESS" } else { "PENDING" }));
    Ok(Json(event))
}

pub(crate) async fn resend(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let delivery = {
        let mut state = shared.state();
        let body = state.events.get(&id).cloned().ok_or_else(|| Refusal::not_found("event"))?;
        plan(&mut state, Posted::genuine(body))
    };
    begin(&shared, delivery);
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response())
}

/// The question, with the event's own bytes.
#[derive(Deserialize)]
struct Question<'a> {
    auth_algo: Option<String>,
    cert_url: Option<String>,
    transmission_id: Option<String>,
    transmission_sig: Option<String>,
    transmission_time: Option<String>,
    webhook_id: Option<String>,
    #[serde(borrow)]
    webhook_event: Option<&'a RawValue>,
}

pub(crate) async fn verify(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    if !headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        return Err(Refusal::invalid().detail("INVALID_CONTENT_TYPE", "", "Send application/json."));
    }
    let question: Question<'_> = serde_json::from_slice(&body)
        .map_err(|_| Refusal::invalid().detail("MALFORMED_REQUEST_JSON", "", "The request JSON is not well formed."))?;
    let all = (
        question.auth_algo,
        question.cert_url,
        question.transmission_id,
        question.transmission_sig,
        question.transmission_time,
        question.webhook_id,
        question.webhook_event,
    );
    let (Some(algorithm), Some(url), Some(id), Some(signature), Some(time), Some(webhook), Some(event)) = all else {
        return Err(Refusal::invalid().detail("MISSING_REQUIRED_PARAMETER", "", "A required field is missing."));
    };
    let message = authority::message(&id, &time, &webhook, event.get().as_bytes());
    let fits = algorithm == "SHA256withRSA" && webhook == shared.webhook_id && shared.authority.is_genuine(&url);
    let genuine = fits && shared.authority.verify(&message, &signature).await;
    Ok(Json(json!({ "verification_status": if genuine { "SUCCESS" } else { "FAILURE" } })))
}
