//! PayPal's door, on this machine: the REST API, the approval page and signed webhooks, in memory or kept in a folder.
//!
//! It answers as PayPal does and rejects what PayPal rejects, so that what works here has a chance there. It is written
//! independently of this project's PayPal client: shared code would share mistakes.
//!
//! # Control
//!
//! What only a test or a developer does stands under `/_sandbox`, without a token:
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_sandbox/plans`, `/subscriptions`, `/invoices`, `/deliveries`, `/faults`, `/certificates` | what there is, with its history |
//! | `POST /_sandbox/plans` `{"id", ...}` | adds a plan, in PayPal's shape |
//! | `POST /_sandbox/subscriptions` `{"plan_id", "count"?, "custom_id"?}` | makes subscriptions that are active already |
//! | `POST /_sandbox/subscriptions/{id}/approve`, `cancel`, `suspend`, `renew` | as the buyer or the calendar would, with the webhooks that follow |
//! | `POST /_sandbox/events` `{"event"?, "body"?, "event_type"?, "subscription"?, "deliver"?, "times"?, "tampered"?, "late_seconds"?}` | makes an event known, signs it, delivers it; `body` is sent byte for byte; a tampered one is not what was signed, a late one was signed long ago; with `"deliver": false` answers body and headers |
//! | `POST /_sandbox/invoices/{id}/pay` | the buyer pays what is due of an invoice |
//! | `POST /_sandbox/sign` `{"body"}`, `/forge` `{"body"}` | signature headers for a body: genuine, or of a foreign authority |
//! | `POST /_sandbox/faults` `{"match", "kind", "status"?, "delay_ms"?, "times"?, "for_ms"?, "probability"?, "seed"?, "retry_after"?}` | fails requests whose `METHOD /path` begins with `match` (`*`: all): `status`, `delay`, `lose_answer`, `reset`, `html` |
//! | `PUT /_sandbox/certificates` `{"expired", "seed"?}` | how likely a webhook is signed with a certificate that has expired, from 0 to 1 |
//! | `POST /_sandbox/secret` `{"client_secret"}` | gives the client another secret, and ends all tokens |
//! | `DELETE /_sandbox/faults` | all well again |
//!
//! **Invariants.** Knows nothing of AWS, nothing of this project's handlers, and shares no code with its PayPal client.

mod activity;
mod approval;
mod authority;
mod changes;
mod clock;
mod control;
mod document;
mod error;
mod events;
mod faults;
mod ids;
mod invoicing;
mod kept;
mod oauth;
mod payments;
mod plans;
mod records;
mod server;
mod state;
mod subscriptions;
mod webhooks;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinHandle,
};
use url::Url;

pub use activity::{Activity, What};
pub use authority::AUTHORITY;
pub use journal::JournalError;

/// How the sandbox is set up.
pub struct Options {
    /// Where it answers; loopback only.
    pub listener: TcpListener,
    /// How others reach it, as `http://127.0.0.1:3002`.
    pub public_url: Url,
    /// Where webhooks go.
    pub webhook_url: Url,
    /// The id of that webhook, which is part of what is signed.
    pub webhook_id: String,
    /// The client that may have a token.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How long after its creation the search finds an invoice.
    pub search_lag: Duration,
    /// From which ids are made, so that a run repeats.
    pub seed: u64,
    /// How far its time is ahead of the machine's.
    pub ahead: watch::Receiver<Duration>,
    /// Where what it knows outlives the process; without, nothing is written.
    pub state: Option<PathBuf>,
}

/// What goes wrong at PayPal, as often as said: rates from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disturbance {
    /// Requests that are answered two seconds late.
    pub slow: f64,
    /// Requests that are answered with 503.
    pub failing: f64,
    /// Webhooks that are signed with a certificate that has expired.
    pub expired_certificates: f64,
    /// From which all follows, so that a run repeats.
    pub seed: u64,
}

/// Why the sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The authority's key or certificate cannot be used.
    #[error("the sandbox's authority cannot be used: {0}")]
    Authority(String),
    /// What was kept cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A running sandbox.
pub struct Sandbox {
    shared: Arc<state::Shared>,
    activity: broadcast::Sender<Activity>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// What happens from now on.
    #[must_use]
    pub fn activity(&self) -> broadcast::Receiver<Activity> {
        self.activity.subscribe()
    }

    /// Has PayPal go wrong, in place of how it went wrong before.
    pub fn disturb(&self, disturbance: &Disturbance) {
        let mut state = self.shared.state();
        state.faults.clear();
        // Different faults must not strike the same requests, or one would hide the other.
        let seed = |number: u64| disturbance.seed.wrapping_mul(3).wrapping_add(number);
        if disturbance.failing > 0.0 {
            state.faults.add(faults::Fault::failing(disturbance.failing, seed(0)));
        }
        if disturbance.slow > 0.0 {
            state.faults.add(faults::Fault::slow(disturbance.slow, seed(1)));
        }
        state.expired = faults::Chance::new(disturbance.expired_certificates, seed(2));
    }

    /// What stands under `/_sandbox`, for those who serve it in a place of their own.
    pub fn control(&self) -> axum::Router {
        control::router().with_state(Arc::clone(&self.shared))
    }

    /// Stops answering and delivering.
    pub async fn stop(self) {
        let _nobody_serves = self.stop.send(true);
        let _ended = self.server.await;
    }
}

/// Starts a sandbox. It answers at once; the key that signs webhooks is made in the meantime. Webhooks that were not
/// delivered before it ended are delivered now.
///
/// # Errors
/// When the authority that issues its certificates cannot be used, or what was kept cannot.
pub async fn start(options: Options) -> Result<Sandbox, StartError> {
    let (journal, mut saved) = match &options.state {
        Some(folder) => changes::open(folder).map(|(journal, saved)| (Some(journal), saved))?,
        None => (None, changes::Changes::default()),
    };
    let authority = authority::Authority::start(&options.public_url, saved.key.take(), journal.clone())?;
    let (stop, stopped) = watch::channel(false);
    let activity = activity::channel();
    let shared = Arc::new(state::Shared::new(&options, authority, activity.clone(), stopped.clone(), journal, saved));
    webhooks::resume(&shared);
    let server = tokio::spawn(server::serve(options.listener, Arc::clone(&shared), stopped));
    Ok(Sandbox { shared, activity, stop, server })
}
