//! One request to PayPal: token, deadline, repeats, and the answer or the error.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder, redirect::Policy};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    CredentialSource, Credentials, Deadline, Error, RequestId,
    error::{bounded, debug_id},
    retry::{self, RateLimit},
    token::{Grant, Shared, Token},
};

/// No answer of PayPal's is longer, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// What the client calls its asking for a token.
const GET_TOKEN: &str = "get token";

/// How PayPal is reached.
#[derive(Clone)]
pub struct Config {
    /// `https://api-m.paypal.com`, or `https://api-m.sandbox.paypal.com`.
    pub base_url: Url,
    /// The REST app's credentials.
    pub credentials: Arc<dyn CredentialSource>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, its answer included.
    pub request_timeout: Duration,
    /// The wait before a call is repeated is random, up to this; it doubles with each attempt.
    pub first_wait: Duration,
}

/// PayPal's REST API. Clones share connections and token.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base_url: Url,
    credentials: Arc<dyn CredentialSource>,
    first_wait: Duration,
    token: Shared,
    rate_limit: RateLimit,
}

/// A call: what is asked for, and whether it may be repeated.
pub(crate) struct Call {
    /// For errors and logs, such as `create invoice`.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// From the root. Ids in it are checked when they are made; queries are written here by this crate.
    pub(crate) path: String,
    /// A JSON body.
    pub(crate) body: Option<Vec<u8>>,
    /// Asks for the whole thing instead of a link to it.
    pub(crate) whole: bool,
    /// By what PayPal knows a repeat.
    pub(crate) request_id: Option<RequestId>,
    /// Whether a repeat does no harm.
    pub(crate) repeatable: bool,
}

impl Call {
    /// Reads something; that may be repeated.
    pub(crate) fn get(operation: &'static str, path: String) -> Self {
        let method = Method::GET;
        Self { operation, method, path, body: None, whole: true, request_id: None, repeatable: true }
    }

    /// Does something; that may not be repeated unless it is said so.
    pub(crate) fn post(operation: &'static str, path: String, body: Vec<u8>) -> Self {
        let method = Method::POST;
        Self { operation, method, path, body: Some(body), whole: true, request_id: None, repeatable: false }
    }

    pub(crate) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }
}

impl Client {
    /// A client that has not spoken to PayPal yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(config: Config) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("paypal-subscriptions/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            .build()
            .map_err(|error| Error::Setup(error.to_string()))?;
        let Config { base_url, credentials, first_wait, .. } = config;
        let (token, rate_limit) = (Shared::default(), RateLimit::default());
        Ok(Self(Arc::new(Inner { http, base_url, credentials, first_wait, token, rate_limit })))
    }

    /// What follows no redirects, and is set up for TLS.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// Time for which PayPal accepts no calls after a 429; `None` when calls may be made now.
    #[must_use]
    pub fn rate_limited_for(&self) -> Option<Duration> {
        self.0.rate_limit.remaining()
    }

    /// Waits as before the repeat of a call that failed for the `attempt`th time, for callers who first read what became of
    /// it. Returns false, at once, when a repeat cannot help or its wait is too long.
    pub async fn wait_to_repeat(&self, error: &Error, attempt: u32, deadline: Deadline) -> bool {
        match retry::wait(error, attempt, self.0.first_wait, deadline) {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }

    /// Makes a call and reads its JSON answer.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: &Call, deadline: Deadline) -> Result<T, Error> {
        let body = self.answer(call, deadline).await?;
        // serde says where the answer differs from what is expected; it quotes no texts of it.
        serde_json::from_slice(&body).map_err(|error| Error::Unreadable {
            operation: call.operation,
            reason: format!("line {}, column {}: {:?} error", error.line(), error.column(), error.classify()),
            debug_id: None,
        })
    }

    /// Makes a call and answers the body, repeating it where that does no harm and can help.
    pub(crate) async fn answer(&self, call: &Call, deadline: Deadline) -> Result<Vec<u8>, Error> {
        let mut attempt = 1;
        loop {
            let answered = match self.0.rate_limit.remaining() {
                Some(wait) => Err(Error::rate_limited(call.operation, wait)),
                None => self.with_token(call, deadline).await.inspect_err(|error| self.0.rate_limit.note(error)),
            };
            let error = match answered {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            match retry::wait(&error, attempt, self.0.first_wait, deadline)
                .filter(|_| call.repeatable || unsent(&error))
            {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Makes a call once; once more with a new token when PayPal no longer takes the one that is held.
    async fn with_token(&self, call: &Call, deadline: Deadline) -> Result<Vec<u8>, Error> {
        let token = self.token(deadline).await?;
        match self.once(call, &token, deadline).await {
            // PayPal refused at the door: nothing was done, so repeating is harmless whatever the call.
            Err(error) if error.status() == Some(401) => {
                self.0.token.forget(&token).await;
                let token = self.token(deadline).await?;
                self.once(call, &token, deadline).await
            }
            other => other,
        }
    }

    async fn once(&self, call: &Call, token: &Token, deadline: Deadline) -> Result<Vec<u8>, Error> {
        let url = self.url(&call.path, call.operation)?;
        let mut request = self.0.http.request(call.method.clone(), url).header("authorization", token.bearer());
        if call.whole {
            request = request.header("prefer", "return=representation");
        }
        if let Some(id) = &call.request_id {
            request = request.header("paypal-request-id", id.as_str());
        }
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        send(call.operation, request, deadline).await
    }

    /// The token, fetched by the first who needs it while the others wait.
    async fn token(&self, deadline: Deadline) -> Result<Token, Error> {
        self.fetch_token(deadline).await.map_err(|error| match error {
            error @ (Error::NoTime { .. } | Error::Credentials { .. } | Error::Setup(_)) => error,
            error => Error::NoToken(Box::new(error)),
        })
    }

    async fn fetch_token(&self, deadline: Deadline) -> Result<Token, Error> {
        let held = tokio::time::timeout(deadline.remaining(), self.0.token.0.lock()).await;
        let mut held = held.map_err(|_| Error::NoTime { operation: GET_TOKEN })?;
        if let Some(token) = held.as_ref().filter(|token| token.is_good()) {
            return Ok(token.clone());
        }
        let credentials = self.credentials(deadline).await?;
        let grant = match self.grant(&credentials, deadline).await {
            // Those that were read at start may be older than the secret is.
            Err(error) if error.status() == Some(401) => {
                let now = self.credentials(deadline).await?;
                if now.is(&credentials) {
                    return Err(error);
                }
                self.grant(&now, deadline).await?
            }
            other => other?,
        };
        Ok(held.insert(Token::new(grant)).clone())
    }

    async fn credentials(&self, deadline: Deadline) -> Result<Credentials, Error> {
        let read = tokio::time::timeout(deadline.remaining(), self.0.credentials.read()).await;
        let read = read.map_err(|_| Error::NoTime { operation: GET_TOKEN })?;
        read.map_err(|reason| Error::Credentials { reason })
    }

    /// Asks for a token with these credentials.
    async fn grant(&self, credentials: &Credentials, deadline: Deadline) -> Result<Grant, Error> {
        let Credentials { client_id, client_secret } = credentials;
        let basic = STANDARD.encode(format!("{client_id}:{}", client_secret.expose_secret()));
        let url = self.url("/v1/oauth2/token", GET_TOKEN)?;
        let request = self.0.http.post(url).header("authorization", format!("Basic {basic}"));
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body("grant_type=client_credentials");
        let body = send(GET_TOKEN, request, deadline).await?;
        serde_json::from_slice(&body).map_err(|_| Error::Unreadable {
            operation: GET_TOKEN,
            reason: "it has no access_token and expires_in".to_owned(),
            debug_id: None,
        })
    }

    fn url(&self, path: &str, operation: &'static str) -> Result<Url, Error> {
        self.0.base_url.join(path).map_err(|_| Error::Setup(format!("{operation}: the base URL cannot have paths")))
    }
}

/// Sends one request, within the deadline, and answers the body of a 2xx.
async fn send(operation: &'static str, request: RequestBuilder, deadline: Deadline) -> Result<Vec<u8>, Error> {
    let remaining = deadline.remaining();
    if remaining.is_zero() {
        return Err(Error::NoTime { operation });
    }
    let exchange = async {
        let response = request.send().await.map_err(|error| Error::no_answer(operation, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = bounded(operation, response, LONGEST_ANSWER).await?;
        Ok((status, headers, body))
    };
    let timeout = |_| Error::NoAnswer { operation, reason: "no time left", unsent: false };
    let (status, headers, body) = tokio::time::timeout(remaining, exchange).await.map_err(timeout)??;
    if !status.is_success() {
        return Err(Error::refused(operation, status, &headers, &body));
    }
    let is_json =
        headers.get("content-type").and_then(|value| value.to_str().ok()).is_none_or(|kind| kind.contains("json"));
    if !body.is_empty() && !is_json {
        let reason = "it is not JSON".to_owned();
        return Err(Error::Unreadable { operation, reason, debug_id: debug_id(&headers) });
    }
    Ok(body)
}

/// A request that never reached PayPal may be made again, whatever it asks for.
fn unsent(error: &Error) -> bool {
    matches!(error, Error::NoAnswer { unsent: true, .. } | Error::NoToken(_))
}
