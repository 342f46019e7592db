//! Sales.
//!
//! Source: <https://developer.paypal.com/docs/api/payments/v1/#sale>

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use crate::{
    authority::now,
    document::text,
    error::Refusal,
    ids,
    state::{Shared, State as Known},
};

pub(crate) async fn show_sale(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    shared.state().sales.get(&id).cloned().map(Json).ok_or_else(|| Refusal::not_found("sale"))
}

/// A payment for a subscription, as the calendar makes it.
pub(crate) fn charge(shared: &Shared, state: &mut Known, subscription: &str) -> Option<Value> {
    let document = state.subscriptions.get(subscription)?.document.clone();
    let plan = state.plans.iter().find(|plan| text(plan, "/id") == text(&document, "/plan_id"))?;
    let (total, currency) = crate::plans::price(plan)?;
    let id = ids::sale(&mut state.random);
    let sale = json!({
        "id": id,
        "state": "completed",
        "amount": { "total": total, "currency": currency, "details": { "subtotal": total } },
        "payment_mode": "INSTANT_TRANSFER",
        "protection_eligibility": "ELIGIBLE",
        "transaction_fee": { "value": "0.59", "currency": currency },
        "billing_agreement_id": subscription,
        "custom": text(&document, "/custom_id"),
        "invoice_number": "",
        "create_time": now(),
        "update_time": now(),
        "links": [shared.link(&format!("/v1/payments/sale/{id}"), "self", "GET")],
    });
    state.sales.insert(id, sale.clone());
    let payment = json!({ "amount": { "currency_code": currency, "value": total }, "time": now() });
    if let Some(subscription) = state.subscriptions.get_mut(subscription) {
        let info = json!({ "last_payment": payment, "failed_payments_count": 0 });
        crate::document::set(&mut subscription.document, "billing_info", info);
    }
    Some(sale)
}
