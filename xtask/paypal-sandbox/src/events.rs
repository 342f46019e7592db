//! Webhook events in the shapes that PayPal gives them.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/event-names/>

use serde_json::{Value, json};

use crate::{
    authority::now,
    document::{set, text},
    ids,
    records::Subscription,
    state::{Shared, State},
};

/// An event of this type about this resource, known from now on; answers its body.
pub(crate) fn make(shared: &Shared, state: &mut State, event_type: &str, resource: &Value) -> String {
    let id = ids::event(&mut state.random);
    let (resource_type, version) = match event_type {
        _ if event_type.starts_with("BILLING.SUBSCRIPTION.") => ("subscription", Some("2.0")),
        _ if event_type.starts_with("BILLING.PLAN.") => ("plan", Some("2.0")),
        "PAYMENT.SALE.REFUNDED" | "PAYMENT.SALE.REVERSED" => ("refund", None),
        _ if event_type.starts_with("PAYMENT.SALE.") => ("sale", None),
        _ if event_type.starts_with("CATALOG.PRODUCT.") => ("product", None),
        _ => ("event", None),
    };
    let path = format!("/v1/notifications/webhooks-events/{id}");
    let mut event = json!({
        "id": id,
        "event_version": "1.0",
        "create_time": now(),
        "resource_type": resource_type,
        "event_type": event_type,
        "summary": format!("{event_type} in the sandbox"),
        "resource": resource,
        "links": [
            shared.link(&path, "self", "GET"),
            shared.link(&format!("{path}/resend"), "resend", "POST"),
        ],
    });
    if let Some(version) = version {
        set(&mut event, "resource_version", json!(version));
    }
    let body = event.to_string();
    state.events.insert(id, body.clone());
    body
}

/// A resource for an event of this type about this subscription.
pub(crate) fn resource(shared: &Shared, state: &mut State, event_type: &str, subscription: &str) -> Option<Value> {
    let document = state.subscriptions.get(subscription)?.document.clone();
    match event_type {
        "PAYMENT.SALE.COMPLETED" => crate::payments::charge(shared, state, subscription),
        // PayPal names the sale, and not the subscription.
        "PAYMENT.SALE.REFUNDED" | "PAYMENT.SALE.REVERSED" => {
            let mut sale = crate::payments::charge(shared, state, subscription)?;
            let id = ids::sale(&mut state.random);
            let (amount, sale_id) = (sale.get("amount").cloned(), text(&sale, "/id").to_owned());
            set(&mut sale, "state", json!("refunded"));
            state.sales.insert(sale_id.clone(), sale);
            Some(json!({ "id": id, "sale_id": sale_id, "amount": amount, "state": "completed", "create_time": now() }))
        }
        _ if event_type.starts_with("PAYMENT.SALE.") => {
            let mut sale = crate::payments::charge(shared, state, subscription)?;
            let ending = event_type.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            set(&mut sale, "state", json!(ending));
            state.sales.insert(text(&sale, "/id").to_owned(), sale.clone());
            Some(sale)
        }
        _ if event_type.starts_with("BILLING.PLAN.") => state.plans.first().cloned(),
        _ if event_type.starts_with("CATALOG.PRODUCT.") => {
            Some(json!({ "id": "PROD-XXCD1234QWER65782", "name": "Example" }))
        }
        _ => Some(document),
    }
}

/// Makes an event of somebody else's known, with all it mentions, so that what is read back agrees with it. Answers its id.
pub(crate) fn adopt(state: &mut State, body: &str, event: &Value) -> String {
    let resource = event.get("resource").cloned().unwrap_or_default();
    let id = text(event, "/id").to_owned();
    state.events.insert(id.clone(), body.to_owned());
    let event_type = text(event, "/event_type");
    let disputed = resource.get("disputed_transactions").and_then(Value::as_array).into_iter().flatten();
    let disputed = disputed.map(|one| text(one, "/seller_transaction_id"));
    let links = resource.get("links").and_then(Value::as_array).into_iter().flatten();
    let linked =
        links.filter(|link| text(link, "/rel") == "sale").filter_map(|link| text(link, "/href").rsplit('/').next());
    let named = disputed.chain(linked).chain([text(&resource, "/sale_id")]).filter(|id| !id.is_empty());
    for sale in named.filter(|id| !state.sales.contains_key(*id)).map(str::to_owned).collect::<Vec<_>>() {
        let amount = json!({ "total": "10.00", "currency": "USD" });
        state.sales.insert(sale.clone(), json!({ "id": sale, "state": "completed", "amount": amount }));
    }
    let of_sale = event_type.starts_with("PAYMENT.SALE.") && text(&resource, "/sale_id").is_empty();
    if of_sale && !text(&resource, "/id").is_empty() {
        let sale = text(&resource, "/id").to_owned();
        state.sales.insert(sale, resource.clone());
        let agreement = text(&resource, "/billing_agreement_id").to_owned();
        if !agreement.is_empty() {
            ensure(state, &agreement, text(&resource, "/custom"), "");
        }
    }
    if event_type.starts_with("BILLING.SUBSCRIPTION.") && text(&resource, "/id").starts_with("I-") {
        ensure(state, text(&resource, "/id"), text(&resource, "/custom_id"), text(&resource, "/plan_id"));
    }
    id
}

/// Makes a subscription of this id, active and with a buyer, unless there is one.
pub(crate) fn ensure(state: &mut State, id: &str, custom_id: &str, plan_id: &str) {
    if state.subscriptions.contains_key(id) {
        return;
    }
    let plan = state.plans.first().map(|plan| text(plan, "/id").to_owned()).unwrap_or_default();
    let plan = if plan_id.is_empty() { plan } else { plan_id.to_owned() };
    let payer = ids::letters(&mut state.random, 13);
    let mut document = json!({
        "id": id,
        "status": "ACTIVE",
        "plan_id": plan,
        "quantity": "1",
        "start_time": now(),
        "create_time": now(),
        "update_time": now(),
        "status_update_time": now(),
        "subscriber": {
            "email_address": format!("buyer-{}@example.com", id.to_ascii_lowercase()),
            "payer_id": payer,
            "name": { "given_name": "Sam", "surname": "Buyer" },
        },
    });
    if !custom_id.is_empty() {
        set(&mut document, "custom_id", json!(custom_id));
    }
    let subscription =
        Subscription { document, token: String::new(), return_url: String::new(), cancel_url: String::new() };
    state.subscriptions.insert(id.to_owned(), subscription);
}
