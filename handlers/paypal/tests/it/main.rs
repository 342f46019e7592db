//! Signatures on whole deliveries, and the client's requests on the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod certificates;
mod credentials;
mod fuzz_seeds;
mod refusals;
mod requests;
mod responses;
mod vectors;

use std::{sync::Arc, time::Duration};

/// A client of a PayPal that answers as the router does.
async fn client(paypal: axum::Router) -> paypal::Client {
    client_with(paypal, Arc::new(credentials("secret"))).await
}

fn credentials(secret: &str) -> paypal::Credentials {
    serde_json::from_value(serde_json::json!({ "client_id": "id", "client_secret": secret })).unwrap()
}

/// The same, with credentials from a source of its own.
async fn client_with(paypal: axum::Router, credentials: Arc<dyn paypal::CredentialSource>) -> paypal::Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, paypal).await });
    let (connect_timeout, request_timeout) = (Duration::from_secs(5), Duration::from_secs(5));
    let first_wait = Duration::ZERO;
    let config = paypal::Config { base_url, credentials, connect_timeout, request_timeout, first_wait };
    paypal::Client::new(config).unwrap()
}
