//! The console's page: where buyers come back to after PayPal's approval page, and what happened last.

mod control;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use local_cloud::{
    Control,
    activity::{Activity, Stream},
    lambda::Lambda,
};
use tokio::{
    net::TcpListener,
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
};

use crate::addresses::Addresses;

/// How many of the last happenings are kept.
const KEPT: usize = 500;

pub(super) type Recent = Arc<Mutex<VecDeque<Activity>>>;

/// Serves the console until it is aborted.
pub(super) fn serve(
    listener: TcpListener,
    ready: Addresses,
    recent: Recent,
    control: Control,
    prefix: String,
) -> JoinHandle<()> {
    let lambda = control.lambda.clone();
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/approved", get(|| async { Html(APPROVED) }))
        .route("/cancelled", get(|| async { Html(CANCELLED) }))
        .route("/api/addresses", get(move || async move { Json(ready) }))
        .route("/api/activity", get(activity).with_state(recent))
        .merge(control::routes(control))
        .route(
            "/api/functions/{name}/kill",
            post(move |Path(name): Path<String>| async move { kill(&lambda, &prefix, &name) }),
        );
    let router = router.layer(axum::middleware::from_fn(own_pages_only));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("the console ended: {error}");
        }
    })
}

async fn activity(State(recent): State<Recent>) -> Json<Vec<Activity>> {
    Json(recent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
}

/// Refuses what a page of somebody else's in the developer's browser could ask for: another host's name that leads here, or
/// another origin.
async fn own_pages_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "this is for pages of this console only\n").into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let foreign = text("origin").is_some_and(|origin| origin != format!("http://{host}"));
    ["127.0.0.1", "localhost"].contains(&name) && !foreign
}

/// Kills all environments of a function, to see what a crash does.
fn kill(lambda: &Lambda, prefix: &str, name: &str) -> Result<Json<usize>, StatusCode> {
    let name = if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") };
    lambda.function(&name).map(|_| Json(lambda.kill(&name))).ok_or(StatusCode::NOT_FOUND)
}

/// Begins to remember what happens.
pub(super) fn remember(stream: &Stream) -> Recent {
    let recent = Recent::default();
    tokio::spawn(keep(stream.listen(), Arc::clone(&recent)));
    recent
}

async fn keep(mut receiver: Receiver<Activity>, recent: Recent) {
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

const APPROVED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Approved</title>\
<h1>Thank you</h1><p>The subscription is approved. The invoice follows.</p>";
const CANCELLED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Cancelled</title>\
<h1>Cancelled</h1><p>Nothing was subscribed, and nothing is charged.</p>";
const PAGE: &str = include_str!("console.html");
