//! A secret that was changed after it was read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::HeaderMap, routing};
use base64::{Engine, engine::general_purpose::STANDARD};
use paypal::{CredentialSource, Credentials, Deadline};
use serde_json::json;

/// What is read one after the other; the last one again and again.
struct Reads {
    secrets: Vec<&'static str>,
    count: AtomicUsize,
}

impl CredentialSource for Reads {
    fn read(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + '_>> {
        let at = self.count.fetch_add(1, Ordering::SeqCst).min(self.secrets.len() - 1);
        Box::pin(std::future::ready(Ok(crate::credentials(self.secrets[at]))))
    }
}

/// A PayPal that gives a token for the secret `new` alone.
fn paypal() -> Router {
    let token = async |headers: HeaderMap| {
        let good = format!("Basic {}", STANDARD.encode("id:new"));
        if headers["authorization"] == good {
            Ok(axum::Json(json!({ "access_token": "token", "expires_in": 32400 })))
        } else {
            Err((axum::http::StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))))
        }
    };
    let plans = async || axum::Json(json!({ "plans": [], "total_pages": 1 }));
    Router::new().route("/v1/oauth2/token", routing::post(token)).route("/v1/billing/plans", routing::get(plans))
}

async fn reads(secrets: Vec<&'static str>) -> (Arc<Reads>, Result<Vec<paypal::Plan>, paypal::Error>) {
    let reads = Arc::new(Reads { secrets, count: AtomicUsize::new(0) });
    let client = crate::client_with(paypal(), Arc::<Reads>::clone(&reads)).await;
    let answer = client.plans(Deadline::after(Duration::from_secs(60))).await;
    (reads, answer)
}

#[tokio::test]
async fn a_secret_that_was_changed_is_read_again_before_anything_fails() {
    let (reads, answer) = reads(vec!["old", "new"]).await;
    answer.unwrap();
    assert_eq!(reads.count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_secret_that_is_wrong_is_read_once_more_and_not_tried_again() {
    let (reads, answer) = reads(vec!["wrong"]).await;
    assert_eq!(answer.unwrap_err().status(), Some(401));
    assert_eq!(reads.count.load(Ordering::SeqCst), 2);
}
