//! What only a test or a developer does: see the table in the crate's documentation.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    authority::{By, now},
    document::{set, text},
    error::Refusal,
    events,
    faults::{Chance, Fault},
    ids, invoicing,
    records::Delivery,
    state::Shared,
    subscriptions::{Change, change},
    webhooks::{self, posted::Posted},
};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/plans", get(list_plans).post(add_plan))
        .route("/subscriptions", get(list_subscriptions).post(add_subscriptions))
        .route("/subscriptions/{id}/{change}", post(change_subscription))
        .route("/invoices", get(list_invoices))
        .route("/invoices/{id}/pay", post(pay_invoice))
        .route("/deliveries", get(list_deliveries))
        .route("/events", post(send_event))
        .route("/sign", post(sign))
        .route("/forge", post(forge))
        .route("/secret", post(change_secret))
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/certificates", get(show_certificates).put(change_certificates))
}

async fn list_plans(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.state().plans))
}

/// Adds a plan. Its document is kept as it is, so that any plan that PayPal describes can be listed.
async fn add_plan(State(shared): State<Arc<Shared>>, Json(plan): Json<Value>) -> Result<Json<Value>, Refusal> {
    let mut state = shared.state();
    let id = text(&plan, "/id").to_owned();
    if id.is_empty() || state.plans.iter().any(|known| text(known, "/id") == id) {
        return Err(Refusal::invalid().detail("INVALID_PARAMETER_VALUE", "/id", "The id is missing or taken."));
    }
    state.plans.push(plan.clone());
    Ok(Json(plan))
}

async fn list_subscriptions(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.state().subscriptions.values().map(|known| &known.document).collect::<Vec<_>>()))
}

async fn list_invoices(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.state().invoices.values().collect::<Vec<_>>()))
}

/// The buyer presses the button of an invoice.
async fn pay_invoice(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    invoicing::pay(&shared, &id).map(Json)
}

async fn list_deliveries(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let told = |delivery: &Delivery| {
        let Delivery { event_id, event_type, attempts, delivered, .. } = delivery;
        json!({ "event_id": event_id, "event_type": event_type, "attempts": attempts, "delivered": delivered })
    };
    Json(shared.state().deliveries.values().map(told).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddSubscriptions {
    plan_id: String,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    custom_id: Option<String>,
}

async fn add_subscriptions(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<AddSubscriptions>,
) -> Result<Json<Value>, Refusal> {
    let mut state = shared.state();
    if !state.plans.iter().any(|plan| text(plan, "/id") == wanted.plan_id) {
        return Err(Refusal::not_found("plan"));
    }
    let custom_id = wanted.custom_id.unwrap_or_default();
    let add = |_| {
        let id = ids::subscription(&mut state.random);
        events::ensure(&mut state, &id, &custom_id, &wanted.plan_id);
        id
    };
    Ok(Json(json!((0..wanted.count.unwrap_or(1)).map(add).collect::<Vec<_>>())))
}

async fn change_subscription(
    State(shared): State<Arc<Shared>>,
    Path((id, wanted)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let wanted = match wanted.as_str() {
        "approve" => Change::Approve,
        "cancel" => Change::Cancel,
        "suspend" => Change::Suspend,
        "renew" => Change::Renew,
        _ => return Err(Refusal::not_found("approve, cancel, suspend or renew")),
    };
    change(&shared, &id, wanted).map(Json)
}

/// An event to make known, and to deliver.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendEvent {
    /// The event as JSON, its keys in their order.
    #[serde(default)]
    event: Option<Value>,
    /// The event as text, kept byte for byte.
    #[serde(default)]
    body: Option<String>,
    /// Or only its type: the rest is made up.
    #[serde(default)]
    event_type: Option<String>,
    #[serde(default)]
    subscription: Option<String>,
    #[serde(default)]
    deliver: Option<bool>,
    #[serde(default)]
    times: Option<u32>,
    /// Whether another body is sent than the one that is signed.
    #[serde(default)]
    tampered: bool,
    /// How many seconds ago it was signed.
    #[serde(default)]
    late_seconds: u64,
}

async fn send_event(State(shared): State<Arc<Shared>>, Json(wanted): Json<SendEvent>) -> Result<Response, Refusal> {
    let deliver = wanted.deliver.unwrap_or(true);
    let times = wanted.times.unwrap_or(1);
    let (tampered, age) = (wanted.tampered, Duration::from_secs(wanted.late_seconds));
    let signed_body = known_body(&shared, wanted)?;
    let other = tampered.then(|| tamper(&signed_body));
    if !deliver {
        let headers = signed(&shared, &signed_body, By::Genuine, age).await?;
        let body = other.unwrap_or(signed_body);
        return Ok(Json(json!({ "body": body, "headers": headers })).into_response());
    }
    let event: Value = serde_json::from_str(&signed_body).unwrap_or_default();
    for _ in 0..times {
        let (signed, tampered) = (signed_body.clone(), other.clone());
        let delivery = webhooks::plan(&mut shared.state(), Posted { signed, tampered, age });
        webhooks::begin(&shared, delivery);
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": text(&event, "/id") }))).into_response())
}

/// The body as somebody on the way would like it: ten times the money, or, where no money is in it, another summary.
fn tamper(body: &str) -> String {
    let dearer = body.replacen(r#""total":""#, r#""total":"9"#, 1);
    if dearer == body { body.replacen(r#""summary":""#, r#""summary":"Tampered: "#, 1) } else { dearer }
}

/// The body of the event that is wanted; it is known from now on, with all that it mentions.
fn known_body(shared: &Arc<Shared>, wanted: SendEvent) -> Result<String, Refusal> {
    let malformed = |what: &str| Refusal::invalid().detail("MALFORMED_REQUEST_JSON", "", what);
    let mut state = shared.state();
    if let Some(body) = wanted.body {
        let event: Value = serde_json::from_str(&body).map_err(|_| malformed("body is not JSON"))?;
        events::adopt(&mut state, &body, &event);
        return Ok(body);
    }
    if let Some(mut event) = wanted.event {
        if text(&event, "/id").is_empty() {
            let id = ids::event(&mut state.random);
            set(&mut event, "id", json!(id));
        }
        if text(&event, "/create_time").is_empty() {
            set(&mut event, "create_time", json!(now()));
        }
        let body = event.to_string();
        events::adopt(&mut state, &body, &event);
        return Ok(body);
    }
    let event_type = wanted.event_type.ok_or_else(|| malformed("give event, body or event_type"))?;
    let subscription = wanted.subscription.unwrap_or_else(|| ids::subscription(&mut state.random));
    events::ensure(&mut state, &subscription, "", "");
    let resource = events::resource(shared, &mut state, &event_type, &subscription);
    let resource = resource.ok_or_else(|| Refusal::not_found("plan of the subscription"))?;
    Ok(events::make(shared, &mut state, &event_type, &resource))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    body: String,
    #[serde(default)]
    webhook_id: Option<String>,
}

async fn sign(State(shared): State<Arc<Shared>>, Json(wanted): Json<Sign>) -> Result<Json<Value>, Refusal> {
    let webhook_id = wanted.webhook_id.unwrap_or_else(|| shared.webhook_id.clone());
    let headers = shared.authority.headers(wanted.body.as_bytes(), &webhook_id, By::Genuine, Duration::ZERO).await;
    headers.map(|headers| Json(json!({ "headers": headers }))).map_err(|_| Refusal::server(500))
}

async fn forge(State(shared): State<Arc<Shared>>, Json(wanted): Json<Sign>) -> Result<Json<Value>, Refusal> {
    let headers = signed(&shared, &wanted.body, By::Foreign, Duration::ZERO).await;
    headers.map(|headers| Json(json!({ "headers": headers })))
}

async fn signed(shared: &Shared, body: &str, by: By, age: Duration) -> Result<Value, Refusal> {
    let headers = shared.authority.headers(body.as_bytes(), &shared.webhook_id, by, age).await;
    headers.map(Value::Object).map_err(|_| Refusal::server(500))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeSecret {
    client_secret: String,
}

/// Another secret for the client; all tokens end.
async fn change_secret(State(shared): State<Arc<Shared>>, Json(wanted): Json<ChangeSecret>) -> StatusCode {
    let mut state = shared.state();
    state.client_secret = wanted.client_secret;
    state.tokens.clear();
    StatusCode::NO_CONTENT
}

async fn list_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.state().faults.list())
}

async fn add_fault(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.state().faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn show_certificates(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "expired": shared.state().expired.rate() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificates {
    /// How likely a webhook is signed with a certificate that has expired, from 0 to 1.
    expired: f64,
    #[serde(default)]
    seed: u64,
}

async fn change_certificates(State(shared): State<Arc<Shared>>, Json(wanted): Json<Certificates>) -> StatusCode {
    shared.state().expired = Chance::new(wanted.expired, wanted.seed);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.state().faults.clear();
    StatusCode::NO_CONTENT
}
