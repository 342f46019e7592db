//! What the sandbox knows, in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fastrand::Rng;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::{
    Activity, Options, What,
    authority::{Authority, now},
    clock::Clock,
    faults::{Chance, Faults},
    invoicing::Invoice,
    plans,
};

/// The sandbox, shared by all requests.
pub(crate) struct Shared {
    pub(crate) public_url: String,
    pub(crate) webhook_url: String,
    pub(crate) webhook_id: String,
    pub(crate) client_id: String,
    pub(crate) search_lag: Duration,
    pub(crate) authority: Authority,
    pub(crate) clock: Clock,
    pub(crate) stopped: watch::Receiver<bool>,
    activity: broadcast::Sender<Activity>,
    state: Mutex<State>,
}

/// What changes.
pub(crate) struct State {
    pub(crate) random: Rng,
    pub(crate) client_secret: String,
    pub(crate) faults: Faults,
    /// How likely a webhook is signed with a certificate that has expired.
    pub(crate) expired: Chance,
    /// Access tokens and when they end.
    pub(crate) tokens: HashMap<String, Instant>,
    pub(crate) plans: Vec<Value>,
    pub(crate) subscriptions: IndexMap<String, Subscription>,
    /// `PayPal-Request-Id` with what it was sent with, and the subscription that came of it.
    pub(crate) request_ids: HashMap<String, (Value, String)>,
    pub(crate) sales: IndexMap<String, Value>,
    /// Events by their id, byte for byte.
    pub(crate) events: IndexMap<String, String>,
    pub(crate) invoices: IndexMap<String, Invoice>,
    /// The invoices' ids by their numbers: both creating and searching ask for a number, however many there are.
    pub(crate) invoice_numbers: HashMap<String, String>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// A subscription: PayPal's document, and where its buyer goes.
#[derive(Clone, Serialize)]
pub(crate) struct Subscription {
    /// As `GET /v1/billing/subscriptions/{id}` answers it.
    pub(crate) document: Value,
    /// By which the approval page knows it.
    pub(crate) token: String,
    pub(crate) return_url: String,
    pub(crate) cancel_url: String,
}

/// A webhook's way to its receiver.
#[derive(Clone, Serialize)]
pub(crate) struct Delivery {
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    /// The status, or what went wrong, of each attempt.
    pub(crate) attempts: Vec<String>,
    /// Whether an attempt was answered with 2xx.
    pub(crate) delivered: bool,
}

impl Shared {
    pub(crate) fn new(
        options: &Options,
        authority: Authority,
        activity: broadcast::Sender<Activity>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let state = State {
            random: Rng::with_seed(options.seed),
            client_secret: options.client_secret.clone(),
            faults: Faults::default(),
            expired: Chance::default(),
            tokens: HashMap::new(),
            plans: plans::seeded(),
            subscriptions: IndexMap::new(),
            request_ids: HashMap::new(),
            sales: IndexMap::new(),
            events: IndexMap::new(),
            invoices: IndexMap::new(),
            invoice_numbers: HashMap::new(),
            deliveries: Vec::new(),
        };
        Self {
            clock: Clock(options.ahead.clone()),
            public_url: options.public_url.as_str().trim_end_matches('/').to_owned(),
            webhook_url: options.webhook_url.to_string(),
            webhook_id: options.webhook_id.clone(),
            client_id: options.client_id.clone(),
            search_lag: options.search_lag,
            authority,
            stopped,
            activity,
            state: Mutex::new(state),
        }
    }

    /// The state. Never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, what: What, took: Option<Duration>) {
        let _nobody_listens = self.activity.send(Activity { what, took });
    }

    /// A link as PayPal puts them into answers.
    pub(crate) fn link(&self, path: &str, rel: &str, method: &str) -> Value {
        json!({ "href": format!("{}{path}", self.public_url), "rel": rel, "method": method })
    }
}

impl State {
    /// Gives a subscription a new status.
    pub(crate) fn set_status(&mut self, id: &str, status: &str) -> Option<Value> {
        let document = &mut self.subscriptions.get_mut(id)?.document;
        // What is approved, or will not be, has no approval to give any more.
        if let Some(links) = document.get_mut("links").and_then(Value::as_array_mut) {
            links.retain(|link| text(link, "/rel") != "approve");
        }
        set(document, "status", json!(status));
        set(document, "status_update_time", json!(now()));
        set(document, "update_time", json!(now()));
        Some(document.clone())
    }
}

/// Sets a member of an object.
pub(crate) fn set(document: &mut Value, key: &str, value: Value) {
    if let Some(entries) = document.as_object_mut() {
        entries.insert(key.to_owned(), value);
    }
}

/// A member that is text, empty when there is none.
pub(crate) fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
