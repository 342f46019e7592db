//! Access tokens.
//!
//! Source: <https://developer.paypal.com/api/rest/authentication/>

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{error::Refusal, ids, state::Shared};

/// How long a token is good for, in seconds: nine hours, as PayPal's.
const LIFE: u64 = 32_400;

pub(crate) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let refused = |error: &str, description: &str| {
        let body = json!({ "error": error, "error_description": description });
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    };
    let expected = STANDARD.encode(format!("{}:{}", shared.client_id, shared.state().client_secret));
    if authorization(&headers, "Basic ") != Some(expected.as_str()) {
        return refused("invalid_client", "Client Authentication failed");
    }
    if body != "grant_type=client_credentials" {
        return refused("unsupported_grant_type", "Grant Type is NULL or not supported");
    }
    let mut state = shared.state();
    let token = format!("A21AA{}", ids::letters(&mut state.random, 60));
    let now = shared.clock.now();
    state.tokens.retain(|_, until| now < *until);
    state.tokens.insert(token.clone(), now + Duration::from_secs(LIFE));
    let nonce = ids::letters(&mut state.random, 20);
    Json(json!({
        "scope": "https://uri.paypal.com/services/invoicing https://uri.paypal.com/services/subscriptions",
        "access_token": token,
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": LIFE,
        "nonce": nonce,
    }))
    .into_response()
}

/// Lets requests with a good token pass.
pub(crate) async fn require_token(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let token = authorization(request.headers(), "Bearer ").unwrap_or_default();
    let good = shared.state().tokens.get(token).is_some_and(|until| shared.clock.now() < *until);
    if good { next.run(request).await } else { Refusal::unauthorized().into_response() }
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix(scheme)
}
