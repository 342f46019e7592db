//! What the sandbox knows, in memory, and, where it is to outlive the process, in a journal.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fastrand::Rng;
use journal::Journal;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::{
    Activity, Options, What,
    authority::{Authority, now},
    changes::Changes,
    clock::Clock,
    document::{set, text},
    faults::{Chance, Faults},
    invoicing::invoice::Invoice,
    kept::Kept,
    plans::seeded::seeded,
    records::{Delivery, Subscription},
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
    journal: Option<Journal>,
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
    pub(crate) subscriptions: Kept<Subscription>,
    /// `PayPal-Request-Id` with what it was sent with, and the subscription that came of it.
    pub(crate) request_ids: Kept<(Value, String)>,
    pub(crate) sales: Kept<Value>,
    /// Events by their id, byte for byte.
    pub(crate) events: Kept<String>,
    pub(crate) invoices: Kept<Invoice>,
    /// The invoices' ids by their numbers: both creating and searching ask for a number, however many there are.
    pub(crate) invoice_numbers: HashMap<String, String>,
    /// By their numbers, counted from 0.
    pub(crate) deliveries: Kept<Delivery>,
    /// What the journal has of what is no map.
    told: (u64, String),
}

/// The state while somebody has it. What changed meanwhile is written down when it is given back.
pub(crate) struct Held<'a> {
    state: MutexGuard<'a, State>,
    journal: Option<&'a Journal>,
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        match self.journal {
            Some(journal) => self.state.take_changes().write(journal),
            None => self.state.forget_changes(),
        }
    }
}

impl Shared {
    pub(crate) fn new(
        options: &Options,
        authority: Authority,
        activity: broadcast::Sender<Activity>,
        stopped: watch::Receiver<bool>,
        journal: Option<Journal>,
        saved: Changes,
    ) -> Self {
        let mut state = State {
            random: Rng::with_seed(options.seed),
            client_secret: options.client_secret.clone(),
            faults: Faults::default(),
            expired: Chance::default(),
            tokens: HashMap::new(),
            plans: seeded(),
            subscriptions: Kept::default(),
            request_ids: Kept::default(),
            sales: Kept::default(),
            events: Kept::default(),
            invoices: Kept::default(),
            invoice_numbers: HashMap::new(),
            deliveries: Kept::default(),
            told: (options.seed, options.client_secret.clone()),
        };
        state.restore(saved, options.search_lag);
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
            journal,
        }
    }

    /// The state. Never held across an await.
    pub(crate) fn state(&self) -> Held<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Held { state, journal: self.journal.as_ref() }
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
    /// What changed since this was asked last.
    fn take_changes(&mut self) -> Changes {
        let (random, secret) = (self.random.get_seed(), &self.client_secret);
        let changes = Changes {
            random: Some(random).filter(|random| *random != self.told.0),
            client_secret: Some(secret.clone()).filter(|secret| *secret != self.told.1),
            key: None,
            subscriptions: self.subscriptions.take_changed(),
            request_ids: self.request_ids.take_changed(),
            sales: self.sales.take_changed(),
            events: self.events.take_changed(),
            invoices: self.invoices.take_changed(),
            deliveries: self.deliveries.take_changed(),
        };
        if changes.random.is_some() || changes.client_secret.is_some() {
            self.told = (random, self.client_secret.clone());
        }
        changes
    }

    /// Nobody asks what changed.
    fn forget_changes(&mut self) {
        self.subscriptions.forget_changed();
        self.request_ids.forget_changed();
        self.sales.forget_changed();
        self.events.forget_changed();
        self.invoices.forget_changed();
        self.deliveries.forget_changed();
    }

    /// Takes in what the process before this one wrote down.
    fn restore(&mut self, saved: Changes, search_lag: Duration) {
        if let Some(random) = saved.random {
            self.random.seed(random);
        }
        self.client_secret = saved.client_secret.unwrap_or_else(|| self.client_secret.clone());
        self.told = (self.random.get_seed(), self.client_secret.clone());
        let invoices = saved.invoices.into_iter().map(|(id, invoice)| (id, invoice.restored(search_lag)));
        self.invoices.restore(invoices.collect());
        let number = |invoice: &Invoice| text(&invoice.document, "/detail/invoice_number").to_owned();
        self.invoice_numbers = self.invoices.iter().map(|(id, invoice)| (number(invoice), id.clone())).collect();
        self.subscriptions.restore(saved.subscriptions);
        self.request_ids.restore(saved.request_ids);
        self.sales.restore(saved.sales);
        self.events.restore(saved.events);
        self.deliveries.restore(saved.deliveries);
    }

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
