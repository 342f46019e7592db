//! Billing plans.
//!
//! Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#plans>

pub(crate) mod seeded;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::HeaderMap,
};
use serde_json::{Value, json};

use crate::{document::text, error::Refusal, state::Shared};

/// The price of a plan's regular billing cycle: value and currency. `None` where it depends on the quantity.
pub(crate) fn price(plan: &Value) -> Option<(String, String)> {
    let mut cycles = plan.get("billing_cycles")?.as_array()?.iter();
    let price =
        cycles.find(|cycle| text(cycle, "/tenure_type") == "REGULAR")?.pointer("/pricing_scheme/fixed_price")?;
    Some((text(price, "/value").to_owned(), text(price, "/currency_code").to_owned()))
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let number =
        |name: &str, default: usize, most: usize| match query.get(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
                Refusal::invalid().detail("INVALID_INTEGER_MAX_VALUE", name, "The value is out of range.")
            }),
        };
    let (page_size, page) = (number("page_size", 10, 20)?, number("page", 1, 100_000)?);
    let wanted = |plan: &&Value| {
        let product = query.get("product_id").is_none_or(|id| id == text(plan, "/product_id"));
        product && query.get("plan_ids").is_none_or(|ids| ids.split(',').any(|id| id == text(plan, "/id")))
    };
    let whole = headers.get("prefer").is_some_and(|value| value.as_bytes() == b"return=representation");
    let plans: Vec<Value> = shared.state().plans.iter().filter(wanted).cloned().collect();
    let pages = plans.len().div_ceil(page_size).max(1);
    let shown = plans.iter().skip((page - 1) * page_size).take(page_size).map(|plan| {
        let mut plan = plan.clone();
        if let Some(entries) = plan.as_object_mut().filter(|_| !whole) {
            entries.retain(|key, _| !["billing_cycles", "payment_preferences"].contains(&key.as_str()));
        }
        plan
    });
    let mut answer = json!({ "plans": shown.collect::<Vec<_>>(), "links": [] });
    let path = |page: usize| format!("/v1/billing/plans?page_size={page_size}&page={page}");
    if let Some(links) = answer.get_mut("links").and_then(Value::as_array_mut) {
        links.push(shared.link(&path(page), "self", "GET"));
        if page < pages {
            links.push(shared.link(&path(page + 1), "next", "GET"));
        }
    }
    if query.get("total_required").is_some_and(|text| text == "true") {
        crate::document::set(&mut answer, "total_items", json!(plans.len()));
        crate::document::set(&mut answer, "total_pages", json!(pages));
    }
    Ok(Json(answer))
}

pub(crate) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let state = shared.state();
    let plan = state.plans.iter().find(|plan| text(plan, "/id") == id).cloned();
    plan.map(Json).ok_or_else(|| Refusal::not_found("plan"))
}
