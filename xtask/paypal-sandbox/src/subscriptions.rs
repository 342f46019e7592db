//! Subscriptions.
//!
//! Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions>

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    What,
    authority::now,
    document::{set, text},
    error::Refusal,
    events, ids,
    records::Subscription,
    state::{Shared, State as Known},
    webhooks::{self, posted::Posted},
};

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let wanted: Value = serde_json::from_slice(&body)
        .map_err(|_| Refusal::invalid().detail("MALFORMED_REQUEST_JSON", "", "The request JSON is not well formed."))?;
    check(&wanted)?;
    let request_id = headers.get("paypal-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut state = shared.state();
    if let Some(known) = request_id.as_ref().and_then(|id| state.request_ids.get(id)) {
        return repeat(&state, known, &wanted);
    }
    check_plan(&state, &wanted)?;
    let document = add(&shared, &mut state, &wanted);
    let id = text(&document, "/id").to_owned();
    if let Some(request_id) = request_id {
        state.request_ids.insert(request_id, (wanted, id.clone()));
    }
    let event = events::make(&shared, &mut state, "BILLING.SUBSCRIPTION.CREATED", &document);
    let delivery = webhooks::plan(&mut state, Posted::genuine(event));
    drop(state);
    shared.tell(What::Subscription { id, status: "APPROVAL_PENDING".to_owned() }, None);
    webhooks::begin(&shared, delivery);
    Ok((StatusCode::CREATED, Json(document)).into_response())
}

/// The same request again: the same subscription, as it is now. Another request under the same id is a mistake.
fn repeat(state: &Known, (before, id): &(Value, String), wanted: &Value) -> Result<Response, Refusal> {
    if before != wanted {
        let description = "The PayPal-Request-Id was used with another request.";
        return Err(Refusal::invalid().detail("DUPLICATE_REQUEST_ID", "", description));
    }
    let known = state.subscriptions.get(id).ok_or_else(|| Refusal::not_found("subscription"))?;
    Ok((StatusCode::OK, Json(known.document.clone())).into_response())
}

/// What PayPal's schema says.
fn check(wanted: &Value) -> Result<(), Refusal> {
    let mut refusal = Refusal::invalid();
    let fields = [
        ("/plan_id", 3, 50, true),
        ("/custom_id", 1, 127, false),
        ("/subscriber/email_address", 3, 254, false),
        ("/subscriber/name/given_name", 0, 140, false),
        ("/subscriber/name/surname", 0, 140, false),
        ("/application_context/brand_name", 1, 127, false),
    ];
    let context = wanted.get("application_context").is_some();
    let urls = [
        ("/application_context/return_url", 10, 4000, context),
        ("/application_context/cancel_url", 10, 4000, context),
    ];
    for (field, least, most, required) in fields.into_iter().chain(urls) {
        match wanted.pointer(field) {
            None if required => {
                refusal = refusal.detail("MISSING_REQUIRED_PARAMETER", field, "A required field is missing.")
            }
            None => {}
            Some(Value::String(text)) if text.chars().count() < least => {
                refusal = refusal.detail("INVALID_STRING_MIN_LENGTH", field, "The value of a field is too short.");
            }
            Some(Value::String(text)) if text.chars().count() > most => {
                refusal = refusal.detail("INVALID_STRING_MAX_LENGTH", field, "The value of a field is too long.");
            }
            Some(Value::String(_)) => {}
            Some(_) => refusal = refusal.detail("INVALID_PARAMETER_SYNTAX", field, "The value of a field is not text."),
        }
    }
    if !text(wanted, "/custom_id").bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        refusal = refusal.detail(
            "INVALID_PARAMETER_SYNTAX",
            "/custom_id",
            "The value does not conform to the expected format.",
        );
    }
    if refusal.has_details() { Err(refusal) } else { Ok(()) }
}

fn check_plan(state: &Known, wanted: &Value) -> Result<(), Refusal> {
    let plan = state.plans.iter().find(|plan| text(plan, "/id") == text(wanted, "/plan_id"));
    let plan = plan.ok_or_else(|| Refusal::not_found("plan"))?;
    if text(plan, "/status") != "ACTIVE" {
        return Err(Refusal::unprocessable("PLAN_STATUS_INVALID", "/plan_id", "The plan is not active."));
    }
    if wanted.get("quantity").is_some() {
        let description = "Subscription can't have quantity, as the plan does not support it.";
        return Err(Refusal::unprocessable("SUBSCRIPTION_CANNOT_HAVE_QUANTITY", "/quantity", description));
    }
    Ok(())
}

fn add(shared: &Shared, state: &mut Known, wanted: &Value) -> Value {
    let id = ids::subscription(&mut state.random);
    let token = format!("BA-{}", ids::letters(&mut state.random, 17));
    let path = format!("/v1/billing/subscriptions/{id}");
    let mut document = json!({
        "id": id,
        "status": "APPROVAL_PENDING",
        "status_update_time": now(),
        "plan_id": text(wanted, "/plan_id"),
        "start_time": now(),
        "quantity": "1",
        "create_time": now(),
        "links": [
            shared.link(&format!("/webapps/billing/subscriptions?ba_token={token}"), "approve", "GET"),
            shared.link(&path, "edit", "PATCH"),
            shared.link(&path, "self", "GET"),
        ],
    });
    for key in ["custom_id", "subscriber"] {
        if let Some(value) = wanted.get(key) {
            set(&mut document, key, value.clone());
        }
    }
    let url = |name: &str| text(wanted, &format!("/application_context/{name}")).to_owned();
    let (return_url, cancel_url) = (url("return_url"), url("cancel_url"));
    let subscription = Subscription { document: document.clone(), token, return_url, cancel_url };
    state.subscriptions.insert(id, subscription);
    document
}

pub(crate) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let state = shared.state();
    let known = state.subscriptions.get(&id).map(|known| known.document.clone());
    known.map(Json).ok_or_else(|| Refusal::not_found("subscription"))
}

pub(crate) async fn transactions(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let state = shared.state();
    if !state.subscriptions.contains_key(&id) {
        return Err(Refusal::not_found("subscription"));
    }
    let sales = state.sales.values().filter(|sale| text(sale, "/billing_agreement_id") == id);
    let transactions = sales.map(|sale| {
        let gross = json!({ "currency_code": text(sale, "/amount/currency"), "value": text(sale, "/amount/total") });
        json!({
            "id": text(sale, "/id"),
            "status": text(sale, "/state").to_ascii_uppercase(),
            "amount_with_breakdown": { "gross_amount": gross },
            "time": text(sale, "/create_time"),
        })
    });
    Ok(Json(json!({ "transactions": transactions.collect::<Vec<_>>(), "links": [] })))
}

/// What happens to a subscription after it was created.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Approve,
    Cancel,
    Suspend,
    Renew,
}

/// Makes a change and delivers the webhooks that follow from it; answers the document.
pub(crate) fn change(shared: &Arc<Shared>, id: &str, change: Change) -> Result<Value, Refusal> {
    let mut state = shared.state();
    let known = state.subscriptions.get(id).ok_or_else(|| Refusal::not_found("subscription"))?;
    let status = text(&known.document, "/status").to_owned();
    let (to, event_type, paid) = match change {
        Change::Approve => ("ACTIVE", Some("BILLING.SUBSCRIPTION.ACTIVATED"), true),
        Change::Cancel => ("CANCELLED", Some("BILLING.SUBSCRIPTION.CANCELLED"), false),
        Change::Suspend => ("SUSPENDED", Some("BILLING.SUBSCRIPTION.SUSPENDED"), false),
        Change::Renew => ("ACTIVE", None, true),
    };
    let expected = if change == Change::Approve { "APPROVAL_PENDING" } else { "ACTIVE" };
    if status != expected {
        let description = format!("The subscription is {status}, and not {expected}.");
        return Err(Refusal::unprocessable("SUBSCRIPTION_STATUS_INVALID", "", &description));
    }
    let document = state.set_status(id, to).ok_or_else(|| Refusal::not_found("subscription"))?;
    let sale = if paid { crate::payments::charge(shared, &mut state, id) } else { None };
    let mut bodies = Vec::new();
    if let Some(event_type) = event_type {
        bodies.push(events::make(shared, &mut state, event_type, &document));
    }
    if let Some(sale) = sale {
        bodies.push(events::make(shared, &mut state, "PAYMENT.SALE.COMPLETED", &sale));
    }
    let deliveries: Vec<_> = bodies.into_iter().map(|body| webhooks::plan(&mut state, Posted::genuine(body))).collect();
    drop(state);
    shared.tell(What::Subscription { id: id.to_owned(), status: to.to_owned() }, None);
    for delivery in deliveries {
        webhooks::begin(shared, delivery);
    }
    Ok(document)
}
