//! What happens in the sandbox, for the terminal. No names, no addresses.

use std::{fmt, time::Duration};

use serde::Serialize;
use tokio::sync::broadcast;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// What it was.
    pub what: What,
    /// How long it took, where it is something that takes time.
    pub took: Option<Duration>,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// A request was answered.
    Request {
        /// `GET`, `POST`, ...
        method: String,
        /// The path, without its query.
        path: String,
        /// The status; 0 when the connection was cut on purpose.
        status: u16,
    },
    /// A webhook was delivered, or not.
    Webhook {
        /// Such as `PAYMENT.SALE.COMPLETED`.
        event_type: String,
        /// PayPal's id of the event.
        event_id: String,
        /// Counted from 1.
        attempt: u32,
        /// The receiver's status, or what went wrong.
        result: String,
    },
    /// A subscription has a new status.
    Subscription {
        /// Its id.
        id: String,
        /// Its status.
        status: String,
    },
    /// An invoice has a new status, or its buyer was notified.
    Invoice {
        /// Its number.
        number: String,
        /// What it is for, such as a sale's id.
        reference: String,
        /// Its status, or `buyer notified`.
        status: String,
        /// Its amount with its currency.
        amount: String,
    },
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, path, status } => write!(out, "{method} {path} -> {status}"),
            Self::Webhook { event_type, event_id, attempt, result } => {
                write!(out, "webhook {event_type} {event_id}, attempt {attempt} -> {result}")
            }
            Self::Subscription { id, status } => write!(out, "subscription {id} {status}"),
            Self::Invoice { number, status, amount, .. } => write!(out, "invoice {number} {status}, {amount}"),
        }
    }
}

pub(crate) fn channel() -> broadcast::Sender<Activity> {
    broadcast::channel(4096).0
}
