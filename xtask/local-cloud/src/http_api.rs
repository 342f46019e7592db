//! An HTTP API of API Gateway: routes, limits, and requests as functions get them.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod access_log;
mod cors;
mod payload;
mod router;
mod throttle;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};
use uuid::Uuid;

pub use access_log::AccessLog;
pub use cors::Cors;
pub use payload::PayloadFormat;
pub use router::{Route, RouteKey};
pub use throttle::Throttle;

use crate::{
    account::Account,
    activity::{Stream, What},
    chaos::{Chaos, Fault},
    lambda::{InvokeError, Lambda},
    live::Live,
    logs::Logs,
    record::{Cause, Hop, Kind, Payload, RequestHead, Span, Trace},
    wire::{
        self, own,
        serve::{Answers, Unread},
    },
};

/// What a request may carry, in bytes.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const LONGEST_BODY: usize = 10 * 1024 * 1024;
/// What request line and headers may measure together, in bytes.
const LONGEST_HEAD: usize = 10_240;
/// What a function may get, in bytes.
const LONGEST_EVENT: usize = 6 * 1024 * 1024;
/// How long API Gateway waits for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// The stage whose name stands in no path.
pub(crate) const DEFAULT_STAGE: &str = "$default";

/// An API, as the template describes it.
pub struct HttpApi {
    /// Its id, as in ARNs and addresses.
    pub id: String,
    /// The stage that it is deployed to; paths begin with its name, unless it is `$default`.
    pub stage: String,
    /// The stage's variables, which functions are told.
    pub stage_variables: BTreeMap<String, String>,
    /// What its routes lead to, the most specific first.
    pub routes: Vec<Route>,
    /// Which pages of other origins may call it.
    pub cors: Option<Cors>,
    /// How many requests it takes.
    pub throttle: Option<Throttle>,
    /// Where requests are noted.
    pub access_log: Option<AccessLog>,
}

impl HttpApi {
    /// One without routes.
    pub(crate) fn new(id: &str, cors: Option<Cors>) -> Self {
        Self {
            id: id.to_owned(),
            stage: DEFAULT_STAGE.to_owned(),
            stage_variables: BTreeMap::new(),
            routes: Vec::new(),
            cors,
            throttle: None,
            access_log: None,
        }
    }
}

struct Shared {
    api: HttpApi,
    account: Account,
    lambda: Lambda,
    logs: Logs,
    activity: Stream,
    chaos: Chaos,
}

/// What is known of a request, for the function and for the access log.
struct Known {
    id: String,
    route_key: String,
    source_ip: String,
    since: Instant,
    /// Its number among the hops.
    number: u64,
    /// Where it stands in the trace that its headers name, or in one of its own.
    trace: Trace,
    /// The request as it came, as far as it was read.
    came: Option<(RequestHead, Payload)>,
}

/// An API that answers. Clones share it.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

/// Whom a port lets in, and the API behind it: both as they are at that moment.
#[derive(Clone)]
struct Door {
    api: Live<Api>,
    cors: Live<Option<Cors>>,
}

/// Serves the API until the task is aborted: to programs of this machine, and to pages that `cors` or this machine's own
/// address allows.
pub(crate) async fn serve(listener: TcpListener, api: Live<Api>, cors: Live<Option<Cors>>) {
    wire::serve::serve(listener, Door { api, cors }).await;
}

impl Answers for Door {
    /// On AWS an API is everybody's, and its functions work on what a page of another origin sends, though the page may not
    /// read the answer. Here it is the developer's own: pages that the template does not name get nothing done.
    async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        let fits = origin.is_none_or(|origin| {
            own::is_own_origin(origin) || self.cors.get().as_ref().as_ref().is_some_and(|cors| cors.allows(origin))
        });
        if fits && own::is_addressed_here(headers) {
            // Requests that are worked on end where they began.
            return self.api.get().answer(peer, request).await;
        }
        // As API Gateway answers under a name that is not its own.
        let why = json!({ "message": "Forbidden", "why": "a page or a host name of somebody else's asks" }).to_string();
        (StatusCode::FORBIDDEN, [("content-type", "application/json")], why).into_response()
    }
}

impl Api {
    pub(crate) fn new(
        mut api: HttpApi,
        account: Account,
        lambda: Lambda,
        logs: Logs,
        activity: Stream,
        chaos: Chaos,
    ) -> Self {
        api.routes.sort_by_key(|route| route.key.priority());
        Self(Arc::new(Shared { api, account, lambda, logs, activity, chaos }))
    }

    /// Answers a request that comes from this address.
    pub(crate) async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let shared = &self.0;
        let recorder = shared.activity.recorder();
        let number = recorder.next();
        let trace = Cause { parent: Span::of_headers(request.headers()), ..Cause::default() }.trace(recorder, number);
        let mut known = Known {
            id: request_id(),
            route_key: "-".to_owned(),
            source_ip: peer.ip().to_string(),
            since: Instant::now(),
            number,
            trace,
            came: None,
        };
        let head = Head::of(&request);
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut failed = None;
        let cause = Cause::new("api".to_owned(), vec![known.number]).within(known.trace.span);
        let mut response = match Arc::new(cause).of(respond(shared, request, &mut known)).await {
            Ok(response) => response,
            Err(refused) => {
                failed = refused.why;
                let body = json!({ "message": refused.message }).to_string();
                (refused.status, [("content-type", "application/json")], body).into_response()
            }
        };
        if let Some(cors) = &shared.api.cors {
            cors.apply(origin.as_ref(), response.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(&known.id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        let status = response.status().as_u16();
        if let Some(log) = &shared.api.access_log {
            let line = log.line(&shared.api.stage, &known, &head, status, failed.as_deref());
            shared.logs.append(&log.group, &shared.api.id, &line);
        }
        let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
        keep(shared, &mut known, &format!("{method} {path}"), status);
        let what = What::Request { method, path, api: shared.api.id.clone(), status };
        shared.activity.tell(what, Some(known.since.elapsed()));
        response
    }
}

/// Records a request that is answered.
fn keep(shared: &Shared, known: &mut Known, label: &str, status: u16) {
    let (head, payload) = known.came.take().unzip();
    let hop = Hop::new(known.number, Kind::Request, "outside", "api", format!("{label} -> {status}"));
    shared.activity.recorder().keep(Hop {
        error: (status >= 400).then(|| format!("answered with {status}")),
        head,
        status: Some(status),
        trace: std::mem::take(&mut known.trace),
        payload: payload.unwrap_or_default(),
        ..hop.took(known.since.elapsed())
    });
}

/// An answer of API Gateway's own.
struct Refused {
    status: StatusCode,
    message: &'static str,
    /// For the access log.
    why: Option<String>,
}

impl Refused {
    fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, why: None }
    }
}

async fn respond(shared: &Shared, request: Request, known: &mut Known) -> Result<Response, Refused> {
    if let Some(response) = shared.api.cors.as_ref().and_then(|cors| cors.preflight(&request)) {
        return Ok(response);
    }
    if head_size(&request) > LONGEST_HEAD {
        return Err(Refused::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"));
    }
    let path = payload::decoded_path(request.uri().path());
    let found = in_stage(&shared.api.stage, &path)
        .and_then(|path| router::find(&shared.api.routes, request.method().as_str(), path));
    let (route, parameters) = found.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "Not Found"))?;
    known.route_key = route.key.to_string();
    // A limit of the route's own holds in place of the stage's.
    if route.throttle.as_ref().or(shared.api.throttle.as_ref()).is_some_and(|throttle| !throttle.admits()) {
        return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
    }
    let (parts, body) = request.into_parts();
    let body = wire::serve::body(body, LONGEST_BODY).await.map_err(|why| match why {
        Unread::TooLong => Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Unread::TooSlow => Refused::new(StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
        Unread::Broken => Refused::new(StatusCode::BAD_REQUEST, "Bad Request"),
    })?;
    let event = route.payload.event(&payload::Parts {
        api: &shared.api,
        account: &shared.account,
        known,
        route: &route.key,
        parts: &parts,
        path: &path,
        parameters: &parameters,
        body: &body,
    });
    let event = event.map_err(|error| Refused {
        why: Some(format!("the event for the function cannot be written as JSON: {error}")),
        ..Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    })?;
    let event = Bytes::from(event);
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let route_key = known.route_key.clone();
    let headers = (&parts.headers).into();
    let came = RequestHead { method: parts.method, target, headers, route: route_key };
    known.came = Some((came, Payload::copied(&body)));
    if event.len() > LONGEST_EVENT {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    }
    let answered = invoke(shared, route, event).await;
    if shared.chaos.strikes(Fault::LostAnswer, &known.route_key) {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"));
    }
    answered
}

/// The path within the stage, which is looked at before any route; nothing when it is in none.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html>
fn in_stage<'a>(stage: &str, path: &'a str) -> Option<&'a str> {
    if stage == DEFAULT_STAGE {
        return Some(path);
    }
    match path.strip_prefix('/')?.strip_prefix(stage)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

async fn invoke(shared: &Shared, route: &Route, event: Bytes) -> Result<Response, Refused> {
    let broken = |why: String| Refused {
        why: Some(why),
        ..Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    };
    let unavailable = |why: &str| Refused {
        why: Some(why.to_owned()),
        ..Refused::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    };
    let function = &route.function;
    let answer = shared.lambda.invoke(function, event);
    let done = if shared.lambda.is_debugged(function) { Ok(answer.await) } else { timeout(PATIENCE, answer).await };
    let done = done.map_err(|_| unavailable("Endpoint request timed out"))?;
    let done = done.map_err(|error| match error {
        InvokeError::Throttled => unavailable("Rate Exceeded."),
        InvokeError::NoSuchFunction => broken(format!("there is no function {function}")),
    })?;
    let answer = done.result.map_err(|error| broken(error.message()))?;
    route.payload.response(&answer).ok_or_else(|| broken("the function's answer is no response".to_owned()))
}

/// What the access log and others say of a request that is worked on.
struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    user_agent: Option<HeaderValue>,
}

impl Head {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
        }
    }
}

fn head_size(request: &Request) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1".len() + 1;
    line + headers_size(request.headers())
}

fn headers_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": ".len()).sum()
}

/// Fifteen letters and digits with an equals sign behind them, as API Gateway's ids look.
fn request_id() -> String {
    let hex = Uuid::new_v4().simple().to_string();
    format!("{}=", hex.get(..15).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::in_stage;

    #[test]
    fn a_path_begins_with_the_stages_name_unless_that_is_the_default_one() {
        for (stage, path, inside) in [
            ("$default", "/a", Some("/a")),
            ("prod", "/prod/a/b", Some("/a/b")),
            ("prod", "/prod/", Some("/")),
            ("prod", "/prod", Some("/")),
            ("prod", "/production/a", None),
            ("prod", "/a", None),
            ("prod", "/", None),
        ] {
            assert_eq!(in_stage(stage, path), inside, "{stage} {path}");
        }
    }
}
