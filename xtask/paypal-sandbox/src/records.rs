//! Records that are kept beside PayPal's documents.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::webhooks::posted::Posted;

/// A subscription: PayPal's document, and where its buyer goes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Subscription {
    /// As `GET /v1/billing/subscriptions/{id}` answers it.
    pub(crate) document: Value,
    /// By which the approval page knows it.
    pub(crate) token: String,
    pub(crate) return_url: String,
    pub(crate) cancel_url: String,
}

/// A webhook's way to its receiver.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// What is posted.
    pub(crate) posted: Posted,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    /// The status, or what went wrong, of each attempt.
    pub(crate) attempts: Vec<String>,
    /// Whether an attempt was answered with 2xx.
    pub(crate) delivered: bool,
    /// Whether no further attempt is made.
    pub(crate) over: bool,
}
