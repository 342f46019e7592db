//! An endpoint that answers as AWS does, from a script, and keeps what it was asked.
//!
//! A script names for each action the answers in their order; the last one stays. Actions are named as AWS names them
//! (`DescribeStacks`), REST calls by method and path (`HEAD /bucket/key`; a `*` at the end stands for any rest).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header::HOST},
    response::Response,
};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::cloud::Cloud;

/// What the endpoint answers, by action.
pub(crate) type Script = BTreeMap<String, Vec<Answer>>;

/// One answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Answer {
    /// The HTTP status; 200 unless it is an error.
    status: Option<u16>,
    /// What stands inside AWS's `<ActionResponse><ActionResult>`, for the query protocol.
    result: Option<String>,
    /// A body as it is: of REST calls, or JSON.
    body: Option<String>,
    headers: BTreeMap<String, String>,
    /// AWS's code of an error, with `message`.
    error: Option<String>,
    message: String,
    /// What the account itself answers, which remembers what was done before.
    pass: bool,
    /// No answer: the connection ends before the account heard (`cut`) or after it (`lost`), or stays open (`hang`).
    connection: Option<Fate>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fate {
    Cut,
    Lost,
    Hang,
}

/// One call, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

/// A running endpoint.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    calls: Mutex<Vec<Call>>,
    cloud: Option<Mutex<Cloud>>,
    gate: Mutex<Option<Gate>>,
}

/// A call at which something happens to whoever calls.
pub(crate) struct Gate {
    /// Counted from 0.
    pub(crate) call: usize,
    /// Whether the call is heard before that.
    pub(crate) heard: bool,
    /// Told when the call is there.
    pub(crate) reached: oneshot::Sender<()>,
    /// The call is answered when this ends.
    pub(crate) release: oneshot::Receiver<()>,
}

impl Endpoint {
    /// Reads a script from YAML.
    pub(crate) async fn of(yaml: &str) -> Self {
        Self::start(serde_saphyr::from_str(yaml).unwrap()).await
    }

    /// A script in front of an account that remembers: what the script does not name, the account answers.
    pub(crate) async fn with(script: Script, cloud: Cloud) -> Self {
        Self::serve(script, Some(Mutex::new(cloud))).await
    }

    async fn start(script: Script) -> Self {
        Self::serve(script, None).await
    }

    async fn serve(script: Script, cloud: Option<Mutex<Cloud>>) -> Self {
        let shared = Arc::new(Shared { script, calls: Mutex::default(), cloud, gate: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Looks into the account.
    pub(crate) fn look<T>(&self, into: impl FnOnce(&Cloud) -> T) -> T {
        into(&self.shared.cloud.as_ref().unwrap().lock().unwrap())
    }

    /// Changes something in the account, as somebody else would.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Cloud)) {
        change(&mut self.shared.cloud.as_ref().unwrap().lock().unwrap());
    }

    /// Stops whoever calls at a call, counted from now on.
    pub(crate) fn stop_at(&self, mut gate: Gate) {
        gate.call += self.shared.calls.lock().unwrap().len();
        self.shared.gate.lock().unwrap().replace(gate);
    }

    /// The actions of all calls so far.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.action).collect()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let call = read(request).await;
    let (found, gate) = {
        let mut calls = shared.calls.lock().unwrap();
        let mut gate = shared.gate.lock().unwrap();
        let gate = if gate.as_ref().is_some_and(|gate| gate.call == calls.len()) { gate.take() } else { None };
        let answers = shared.script.get(&call.action).or_else(|| {
            let starred = shared.script.iter().filter_map(|(name, answers)| Some((name.strip_suffix('*')?, answers)));
            starred.filter(|(start, _)| call.action.starts_with(start)).map(|(_, answers)| answers).next()
        });
        let before = calls.iter().filter(|earlier| earlier.action == call.action).count();
        calls.push(call.clone());
        (answers.and_then(|answers| answers.get(before).or(answers.last())).cloned(), gate)
    };
    let hear = || match (&found, &shared.cloud) {
        (Some(found), Some(cloud)) if matches!(found.connection, Some(Fate::Lost)) => {
            cloud.lock().unwrap().answer(&call);
            found.clone()
        }
        (Some(found), _) if !found.pass => found.clone(),
        (_, Some(cloud)) => cloud.lock().unwrap().answer(&call),
        (_, None) => Answer::error("NotInTheScript", &format!("{} is not in the script", call.action)),
    };
    match gate {
        Some(Gate { heard, reached, release, .. }) => {
            let early = heard.then(hear);
            reached.send(()).unwrap();
            // Whoever stopped it may be gone.
            let _released = release.await;
            match early {
                Some(answer) => answer.render(&call).await,
                None => hear().render(&call).await,
            }
        }
        None => hear().render(&call).await,
    }
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(parts.headers.contains_key(HOST));
    if header("content-type").starts_with("application/x-www-form-urlencoded") {
        let fields: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
        return Call { action: fields.get("Action").cloned().unwrap_or_default(), fields, body };
    }
    let target = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let mut fields: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    fields.extend(
        parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))),
    );
    let action = if target.is_empty() { format!("{} {}", parts.method, parts.uri.path()) } else { target };
    let body = if parts.method == Method::HEAD { Bytes::new() } else { body };
    Call { action, fields, body }
}

/// A result in which `<Allowed/>` stands for IAM's decision on every requested action that the result does not name.
fn decided(result: String, call: &Call) -> String {
    let actions = call.fields.iter().filter(|(name, _)| name.starts_with("ActionNames.member.")).map(|(_, name)| name);
    let others = actions.filter(|action| !result.contains(&format!("<EvalActionName>{action}</EvalActionName>")));
    let allowed: String = others
        .map(|action| {
            format!("<member><EvalActionName>{action}</EvalActionName><EvalDecision>allowed</EvalDecision></member>")
        })
        .collect();
    result.replace("<Allowed/>", &allowed)
}

impl Answer {
    pub(crate) fn error(code: &str, message: &str) -> Self {
        Self { error: Some(code.to_owned()), message: message.to_owned(), ..Self::default() }
    }

    pub(crate) fn result(result: String) -> Self {
        Self { result: Some(result), ..Self::default() }
    }

    pub(crate) fn body(body: String) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    pub(crate) fn headers(headers: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { headers: headers.into_iter().collect(), ..Self::default() }
    }

    async fn render(self, call: &Call) -> Response {
        match self.connection {
            Some(Fate::Hang) => std::future::pending().await,
            // A body that fails before its first byte ends the connection.
            Some(Fate::Cut | Fate::Lost) => {
                let lost = std::io::Error::other("cut");
                return Response::new(Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(lost)])));
            }
            None => {}
        }
        let query = !call.action.contains(' ') && call.fields.contains_key("Action");
        let json = call.fields.contains_key("x-amz-target");
        let status = self.status.unwrap_or(if self.error.is_some() { 400 } else { 200 });
        let action = &call.action;
        let message = self.message.replace('&', "&amp;").replace('<', "&lt;");
        let body = match (&self.error, self.body) {
            (_, Some(body)) => body,
            (Some(code), None) if json => serde_json::json!({ "__type": code, "message": self.message }).to_string(),
            (Some(code), None) if query => format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>1</RequestId></ErrorResponse>"
            ),
            (Some(code), None) => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
            (None, None) if query => format!(
                "<{action}Response><{action}Result>{}</{action}Result></{action}Response>",
                decided(self.result.unwrap_or_default(), call)
            ),
            (None, None) => String::new(),
        };
        let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
        let kind = if json { "application/x-amz-json-1.1" } else { "text/xml" };
        if !self.headers.contains_key("content-type") {
            response = response.header("content-type", kind);
        }
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(body)).unwrap()
    }
}
