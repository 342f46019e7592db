//! Answers requests, or fails them as the faults say.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower_service::Service;

use crate::{
    What, approval, authority, control, error::Refusal, faults::Effect, ids, invoicing, oauth, payments, plans,
    state::Shared, subscriptions, webhooks,
};

/// A request body of PayPal's API is not longer, in bytes.
const LONGEST_BODY: usize = 1 << 20;
/// So much of one that is longer is read and thrown away, in bytes, and for so long.
const DRAINED: usize = 64 << 20;
const DRAINING: Duration = Duration::from_secs(5);
/// How long a request's head may take to come, and how long its body.
const PATIENCE: Duration = Duration::from_secs(30);
/// As many connections there are at once; others wait for one to end.
const MOST_CONNECTIONS: usize = 2000;
/// The connection is to be cut without an answer. Stands in the answer's extensions until the connection sees it.
#[derive(Clone)]
struct Cut;

#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct CutOnPurpose;

fn router(shared: &Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/v1/billing/plans", get(plans::list))
        .route("/v1/billing/plans/{id}", get(plans::show))
        .route("/v1/billing/subscriptions", post(subscriptions::create))
        .route("/v1/billing/subscriptions/{id}", get(subscriptions::show))
        .route("/v1/billing/subscriptions/{id}/transactions", get(subscriptions::transactions))
        .route("/v1/payments/sale/{id}", get(payments::show_sale))
        .route("/v1/notifications/webhooks-events", get(webhooks::list))
        .route("/v1/notifications/webhooks-events/{id}", get(webhooks::show))
        .route("/v1/notifications/webhooks-events/{id}/resend", post(webhooks::resend))
        .route("/v1/notifications/verify-webhook-signature", post(webhooks::verify))
        .route("/v2/invoicing/generate-next-invoice-number", post(invoicing::next_number))
        .route("/v2/invoicing/invoices", post(invoicing::create))
        .route("/v2/invoicing/invoices/{id}", get(invoicing::show).put(invoicing::update).delete(invoicing::delete))
        .route("/v2/invoicing/invoices/{id}/remind", post(invoicing::remind))
        .route("/v2/invoicing/invoices/{id}/cancel", post(invoicing::cancel))
        .route("/v2/invoicing/invoices/{id}/send", post(invoicing::send))
        .route("/v2/invoicing/invoices/{id}/payments", post(invoicing::record_payment))
        .route("/v2/invoicing/search-invoices", post(invoicing::search))
        .layer(from_fn_with_state(Arc::clone(shared), oauth::require_token));
    Router::new()
        .route("/v1/oauth2/token", post(oauth::token))
        .route("/v1/notifications/certs/{id}", get(webhooks::certificate))
        .route("/webapps/billing/subscriptions", get(approval::page).post(approval::decide))
        .merge(api)
        .nest("/_sandbox", control::router())
        .fallback(|| async { Refusal::not_found("no such path") })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(shared), door))
        .with_state(Arc::clone(shared))
}

/// What every request passes: faults on the way in, a debug id on the way out.
async fn door(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !may_ask(&request) {
        let why = "this is for programs and pages of this machine only\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let request = match whole(request).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let since = Instant::now();
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let control = path.starts_with("/_sandbox") || path.starts_with(authority::PATH);
    let effect = if control { None } else { hit(&shared, &format!("{method} {path}")) };
    let mut response = match effect {
        None => next.run(request).await,
        Some(Effect::Refuse(status, retry_after)) => refuse(status, retry_after),
        Some(Effect::Html(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, Html("<html><body><h1>Bad Gateway</h1></body></html>")).into_response()
        }
        Some(Effect::Delay(time)) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
        Some(Effect::LoseAnswer) => {
            next.run(request).await;
            cut()
        }
        Some(Effect::Reset) => cut(),
    };
    if let Ok(debug_id) = HeaderValue::from_str(&ids::debug_id()) {
        response.headers_mut().entry("paypal-debug-id").or_insert(debug_id);
    }
    if !path.starts_with("/_sandbox") {
        let status = if response.extensions().get::<Cut>().is_some() { 0 } else { response.status().as_u16() };
        shared.tell(What::Request { method, path, status }, Some(since.elapsed()));
    }
    response
}

/// The request with its body in hand, or the answer to one whose body is too long or does not come.
async fn whole(request: Request) -> Result<Request, Response> {
    let (parts, mut body) = request.into_parts();
    match tokio::time::timeout(PATIENCE, Limited::new(&mut body, LONGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, body.to_bytes().into())),
        Ok(Err(_)) => {
            drain(body).await;
            Err(StatusCode::PAYLOAD_TOO_LARGE.into_response())
        }
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}

/// Reads on for a while and keeps nothing. Who is still sending when the connection ends has an error in place of the answer
/// that says why.
async fn drain(mut body: Body) {
    let rest = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _too_slow = tokio::time::timeout(DRAINING, rest).await;
}

/// Whether a request comes from this machine, and not from a page of somebody else's in its browser: by the name under which
/// it came here, and by the page's origin or, where the browser leaves that out, by what it says instead. A shop's page may
/// lead buyers here by a link.
fn may_ask(request: &Request) -> bool {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let loopback = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ["127.0.0.1", "localhost", "[::1]"].contains(&name)
    };
    let is_followed = || {
        [Method::GET, Method::HEAD].contains(request.method())
            && text("sec-fetch-mode") == Some("navigate")
            && text("sec-fetch-dest") == Some("document")
    };
    let welcome = match text("origin") {
        Some(origin) => origin.strip_prefix("http://").is_some_and(loopback),
        None => {
            let site = text("sec-fetch-site");
            site.is_none_or(|site| ["same-origin", "same-site", "none"].contains(&site)) || is_followed()
        }
    };
    welcome && text("host").is_some_and(loopback)
}

fn hit(shared: &Shared, request: &str) -> Option<Effect> {
    shared.state().faults.hit(request)
}

fn refuse(status: u16, retry_after: Option<String>) -> Response {
    let mut response = Refusal::server(status).into_response();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

/// Serves until it is stopped; then every connection ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let router = router(&shared);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // It is never closed.
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            _ = stopped.changed() => return,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, as a rule: others must end before another can begin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _slower_then = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut router = router.clone();
            async move {
                let response: Result<Response, Infallible> = router.call(request.map(Body::new)).await;
                let Ok(response) = response;
                if response.extensions().get::<Cut>().is_some() { Err(CutOnPurpose) } else { Ok(response) }
            }
        });
        connections.spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            let _cut_or_ended = server.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}
