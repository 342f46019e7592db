//! What this service adds to the console: where buyers come back to after PayPal's approval page, PayPal itself, and what
//! the messages are about.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, response::Html, routing::get};
use local_cloud::{
    activity::{Activity, Stream},
    console::Console,
    record::Recorder,
};
use paypal_sandbox::{Sandbox, What};
use tokio::{
    net::TcpListener,
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
};

use super::subject;
use crate::addresses::Addresses;

/// How many of the last happenings are kept.
const KEPT: usize = 500;

pub(super) type Recent = Arc<Mutex<VecDeque<Arc<Activity>>>>;

/// The console of this service.
pub(super) fn console(
    listener: TcpListener,
    ready: &Addresses,
    recent: Recent,
    sandbox: &Sandbox,
    prefix: &str,
) -> Console {
    let addresses = ready.clone();
    let routes = Router::new()
        .route("/approved", get(|| async { Html(APPROVED) }))
        .route("/cancelled", get(|| async { Html(CANCELLED) }))
        .route("/api/addresses", get(move || async move { Json(addresses) }))
        .route("/api/activity", get(activity).with_state(recent))
        .nest("/paypal", sandbox.control());
    let prefix = prefix.to_owned();
    Console {
        listener,
        routes,
        neighbours: BTreeMap::from([(ready.paypal.clone(), "PayPal".to_owned())]),
        subject: Box::new(subject::about),
        redrive: Box::new(move |queue, body| subject::redriven(&prefix, queue, body)),
    }
}

async fn activity(State(recent): State<Recent>) -> Json<Vec<Activity>> {
    let recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
    Json(recent.iter().map(|happened| Activity::clone(happened)).collect())
}

/// Begins to remember what happens.
pub(super) fn remember(stream: &Stream) -> Recent {
    let recent = Recent::default();
    tokio::spawn(keep(stream.listen(), Arc::clone(&recent)));
    recent
}

async fn keep(mut receiver: Receiver<Arc<Activity>>, recent: Recent) {
    loop {
        match receiver.recv().await {
            Ok(happened) => {
                let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
                if recent.len() == KEPT {
                    recent.pop_front();
                }
                recent.push_back(happened);
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Tells the record what PayPal does, until it is aborted: its invoices are where journeys end.
pub(super) fn note(sandbox: &Sandbox, recorder: Recorder, paypal: String) -> JoinHandle<()> {
    let mut receiver = sandbox.activity();
    let node = format!("neighbour:{paypal}");
    tokio::spawn(async move {
        loop {
            match receiver.recv().await {
                Ok(happened) => match happened.what {
                    What::Invoice { number, reference, status, amount } => {
                        let label = format!("invoice {number} {status}, {amount}");
                        recorder.note(&reference, "functions", &node, label);
                    }
                    What::Request { path, status, .. } if !path.starts_with("/webapps") => {
                        recorder.count("functions", &node, status == 0 || status >= 400);
                    }
                    What::Webhook { result, .. } => recorder.count(&node, "api", !result.starts_with('2')),
                    _ => {}
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    })
}

const APPROVED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Approved</title>\
<h1>Thank you</h1><p>The subscription is approved. The invoice follows.</p>";
const CANCELLED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Cancelled</title>\
<h1>Cancelled</h1><p>Nothing was subscribed, and nothing is charged.</p>";
