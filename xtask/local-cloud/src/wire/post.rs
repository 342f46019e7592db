//! Sending documents by HTTP to programs of this machine and its network.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;
use url::Url;

/// So much of an answer is read, in bytes, so that its connection can be used again.
const READ: usize = 1 << 20;

/// Sends documents, and keeps connections open. Clones share them.
#[derive(Clone)]
pub(crate) struct Poster(Client<HttpConnector, Full<Bytes>>);

impl Default for Poster {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl Poster {
    /// Posts a document; the status of the answer, which says nothing else that is needed.
    ///
    /// # Errors
    /// When nobody answers within `patience`; why not.
    pub(crate) async fn post(
        &self,
        to: &Uri,
        headers: HeaderMap,
        document: Bytes,
        patience: Duration,
    ) -> Result<StatusCode, String> {
        let mut request = Request::new(Full::new(document));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to.clone();
        *request.headers_mut() = headers;
        let answered = timeout(patience, self.0.request(request)).await;
        let answer = answered.map_err(|_| "no answer in time".to_owned())?.map_err(|error| reason(&error))?;
        let status = answer.status();
        // Its end is not waited for: the status says all.
        tokio::spawn(timeout(patience, Limited::new(answer.into_body(), READ).collect()));
        Ok(status)
    }
}

/// The header of a document's type.
pub(crate) fn content_type(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))])
}

/// The origin of a text that is nothing but an address.
pub(crate) fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()))?;
    Some(url.origin().ascii_serialization())
}

/// What an error follows from in the end; what stands above that says only that a request failed.
fn reason(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
