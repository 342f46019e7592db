//! The console: a page that shows what happens, as it happens, and does what a person wants done; and its API.
//!
//! The page is one document without outside resources. It follows `GET /api/stream`; everything else of the API answers a
//! question or does one thing. What is no business of AWS's comes with [`Console::routes`].

mod control;
mod functions;
mod hops;
mod page;
mod picture;
mod queues;
mod refusal;
mod stream;
mod topics;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    middleware::from_fn,
    routing::{delete, get, post},
};
use tokio::net::TcpListener;

pub(crate) use picture::{Picture, picture};

use crate::{aws, chaos::Rates, http_api::Api, live::Live, record::Subject, wire};
use refusal::Refusal;

/// What a person may send, in bytes: as much as a queue takes, with room around it.
const LONGEST: usize = 2 << 20;

/// Says where a message of a queue goes when it is tried again, and as what: by the queue's name and the body.
pub type Redrive = dyn Fn(&str, &str) -> Option<(String, String)> + Send + Sync;

/// What a console needs beside the cloud.
pub struct Console {
    /// Where it answers.
    pub listener: TcpListener,
    /// What others add to it: their pages and API. Those of the console's own come first.
    pub routes: Router,
    /// Names of those outside whom functions call, by their origin.
    pub neighbours: BTreeMap<String, String>,
    /// Tells what payloads are about.
    pub subject: Box<Subject>,
    /// Tells where messages of an error queue go when they are tried again. Without an answer a message goes back to the
    /// queue that gave it up.
    pub redrive: Box<Redrive>,
}

/// The cloud that is shown.
pub(crate) struct Cloud {
    pub(crate) services: aws::Services,
    pub(crate) api: Live<Api>,
    pub(crate) api_endpoint: String,
    pub(crate) picture: Live<Picture>,
    /// What stands at the head of the page.
    pub(crate) notice: Live<Option<String>>,
}

struct Shared {
    cloud: Cloud,
    neighbours: BTreeMap<String, String>,
    redrive: Box<Redrive>,
}

/// Serves the console until the task is aborted.
pub(crate) async fn serve(console: Console, cloud: Cloud) {
    cloud.services.recorder.know(console.subject);
    let shared = Shared { cloud, neighbours: console.neighbours, redrive: console.redrive };
    let router = router(Arc::new(shared)).merge(console.routes);
    let router = router
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(|request, next| wire::serve::whole(LONGEST, request, next)))
        .layer(from_fn(wire::own::own_or_followed));
    wire::serve::serve(console.listener, router).await;
}

fn router(shared: Arc<Shared>) -> Router {
    let messages = "/api/queues/{name}/messages";
    Router::new()
        .merge(page::routes())
        .route("/api/stream", get(stream::follow))
        .route("/api/hops/{number}", get(hops::show))
        .route("/api/hops/{number}/event", get(hops::event))
        .route("/api/hops/{number}/curl", get(hops::curl))
        .route("/api/hops/{number}/replay", post(hops::replay))
        .route("/api/request", post(hops::request))
        .route("/api/queues", get(queues::list))
        .route("/api/queues/{name}", get(queues::show))
        .route("/api/queues/{name}/hold", post(queues::hold))
        .route("/api/queues/{name}/redrive", post(queues::redrive_all))
        .route("/api/queues/{name}/purge", post(queues::purge))
        .route(messages, post(queues::send))
        .route(&format!("{messages}/{{key}}"), delete(queues::remove))
        .route(&format!("{messages}/{{key}}/release"), post(queues::release))
        .route(&format!("{messages}/{{key}}/redrive"), post(queues::redrive))
        .route("/api/functions", get(functions::list))
        .route("/api/functions/{name}/log", get(functions::log))
        .route("/api/functions/{name}/kill", post(functions::kill))
        .route("/api/functions/{name}/invoke", post(functions::invoke))
        .route("/api/topics", get(topics::list))
        .route("/api/topics/{name}/publish", post(topics::publish))
        .route("/api/alarms", get(topics::alarms))
        .route("/api/clock", get(control::clock).post(control::advance))
        .route("/api/reset", post(control::reset))
        .route("/api/chaos", get(chaos).put(set_chaos))
        .with_state(shared)
}

async fn chaos(State(shared): State<Arc<Shared>>) -> Json<Rates> {
    Json(shared.cloud.services.chaos.rates())
}

async fn set_chaos(State(shared): State<Arc<Shared>>, Json(rates): Json<Rates>) -> Result<Json<Rates>, Refusal> {
    shared.cloud.services.chaos.set(rates).map_err(|error| Refusal::bad(&error))?;
    Ok(Json(rates))
}

#[cfg(test)]
mod tests;
