//! The page where a buyer approves a subscription.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use url::Url;

use crate::{
    document::text,
    plans,
    records::Subscription,
    state::Shared,
    subscriptions::{Change, change},
};

pub(crate) async fn page(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let Some(known) = find(&shared, &query) else { return gone() };
    let state = shared.state();
    let plan = state.plans.iter().find(|plan| text(plan, "/id") == text(&known.document, "/plan_id"));
    let price = match plan.and_then(plans::price) {
        Some((value, currency)) => format!("{value} {currency}"),
        None => "depends on the quantity".to_owned(),
    };
    let name = plan.map_or("", |plan| text(plan, "/name"));
    let email = text(&known.document, "/subscriber/email_address");
    let (token, status) = (&known.token, text(&known.document, "/status"));
    let buttons = if status == "APPROVAL_PENDING" {
        format!(
            "<form method=post action='?ba_token={token}'>\
             <button name=decision value=approve autofocus>Approve</button> \
             <button name=decision value=cancel>Cancel</button></form>"
        )
    } else {
        format!("<p>This subscription is {status} already.</p>")
    };
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Approve your subscription</title>\
         <style>:root{{color-scheme:light dark;font:16px/1.6 sans-serif}}body{{max-width:30rem;margin:3rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.4rem 1.2rem}}</style>\
         <main><h1>Approve your subscription</h1><dl><dt>Plan<dd>{}<dt>Price<dd>{}<dt>Buyer<dd>{}</dl>{buttons}\
         <p><small>PayPal's sandbox on this machine. No money moves.</small></main>",
        escape(name),
        escape(&price),
        if email.is_empty() { "not named".to_owned() } else { escape(email) },
    ))
    .into_response()
}

pub(crate) async fn decide(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let Some(known) = find(&shared, &query) else { return gone() };
    let id = text(&known.document, "/id");
    if form.get("decision").is_none_or(|decision| decision != "approve") {
        return go(&known.cancel_url, id, &known.token);
    }
    match change(&shared, id, Change::Approve) {
        Ok(_) => go(&known.return_url, id, &known.token),
        Err(refusal) => refusal.into_response(),
    }
}

fn find(shared: &Shared, query: &HashMap<String, String>) -> Option<Subscription> {
    let token = query.get("ba_token").filter(|token| !token.is_empty())?;
    shared.state().subscriptions.values().find(|known| known.token == *token).cloned()
}

/// Back to the shop, with what PayPal adds to its address.
fn go(url: &str, id: &str, token: &str) -> Response {
    let Ok(mut url) = Url::parse(url) else { return gone() };
    url.query_pairs_mut().append_pair("subscription_id", id).append_pair("ba_token", token).append_pair("token", token);
    Redirect::to(url.as_str()).into_response()
}

fn gone() -> Response {
    (StatusCode::NOT_FOUND, Html("<!doctype html><title>Not found</title><h1>There is no such subscription</h1>"))
        .into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
