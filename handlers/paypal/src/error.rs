//! What went wrong with a call: what was being done, what PayPal said, and whether trying again can help.

use std::time::Duration;

use reqwest::{Response, StatusCode, header::HeaderMap};
use serde::Deserialize;

use crate::retry;

/// A call to PayPal did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PayPal answered with an error.
    #[error("{operation}: PayPal answers {status} {name}{}", issues(.details))]
    Refused {
        /// What was being done, such as `create invoice`.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// PayPal's word, such as `UNPROCESSABLE_ENTITY`. Empty when the body is not an error of PayPal's API: a page of
        /// PayPal's edge or of a proxy, or no body.
        name: String,
        /// What exactly is wrong.
        details: Vec<Detail>,
        /// By what PayPal's support finds the request.
        debug_id: Option<String>,
        /// When PayPal wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Nothing was heard: the request may or may not have been carried out.
    #[error("{operation}: no answer from PayPal ({reason})")]
    NoAnswer {
        /// What was being done.
        operation: &'static str,
        /// What the connection says.
        reason: &'static str,
        /// Whether the request certainly never reached PayPal.
        unsent: bool,
    },
    /// PayPal answered with something that is not what its description says.
    #[error("{operation}: PayPal's answer cannot be read ({reason})")]
    Unreadable {
        /// What was being done.
        operation: &'static str,
        /// What does not fit. Never the answer itself.
        reason: String,
        /// By what PayPal's support finds the request.
        debug_id: Option<String>,
    },
    /// The time was over before the call could be made.
    #[error("{operation}: no time left")]
    NoTime {
        /// What was to be done.
        operation: &'static str,
    },
    /// There is no access token, so the call was not made.
    #[error(transparent)]
    NoToken(Box<Error>),
    /// The credentials cannot be had, now.
    #[error("PayPal's credentials cannot be read: {reason}")]
    Credentials {
        /// What their source says.
        reason: String,
    },
    /// The client itself cannot be built.
    #[error("PayPal's client cannot be built: {0}")]
    Setup(String),
}

/// What exactly is wrong with a request. The value that PayPal repeats is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Detail {
    /// A stable word, such as `INVALID_RESOURCE_ID`.
    #[serde(default)]
    pub issue: String,
    /// Where in the request, as a JSON pointer.
    #[serde(default)]
    pub field: Option<String>,
    /// PayPal's sentence about the issue.
    #[serde(default)]
    pub description: Option<String>,
}

impl Error {
    /// Whether the same call can succeed later.
    ///
    /// 403 is retryable: PayPal's edge answers it for minutes to good credentials, and a permission can be granted. A page
    /// in place of an error of the API says nothing about the request, whatever its status. Without a token the call was
    /// not made, so nothing that the token endpoint answers is about the call either.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused { status, name, .. } => {
                name.is_empty() || matches!(status, 401 | 403 | 408 | 409 | 425 | 429 | 500..=599)
            }
            Self::NoAnswer { .. }
            | Self::NoTime { .. }
            | Self::Unreadable { .. }
            | Self::NoToken(_)
            | Self::Credentials { .. } => true,
            Self::Setup(_) => false,
        }
    }

    /// Whether PayPal may have done what it was asked, without our hearing of it.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::NoAnswer { unsent, .. } => !unsent,
            Self::Unreadable { .. } => true,
            Self::NoTime { .. } | Self::NoToken(_) | Self::Credentials { .. } | Self::Setup(_) => false,
        }
    }

    /// The HTTP status of PayPal's answer, when it was an error; 502 for a page in place of one.
    ///
    /// 401 and 429 keep their meaning whatever the body holds. Of the token endpoint's statuses only those that mean the
    /// same for every call are kept: a 404 there does not mean that a sale does not exist.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status: status @ (401 | 429), .. } => Some(*status),
            Self::Refused { name, status, .. } if name.is_empty() && *status < 500 => Some(502),
            Self::Refused { status, .. } => Some(*status),
            // A gateway's page in the place of an answer is as much PayPal's failure as a 502.
            Self::Unreadable { .. } => Some(502),
            Self::NoToken(error) => {
                error.status().map(|status| if matches!(status, 401 | 403 | 429) { status } else { 502 })
            }
            _ => None,
        }
    }

    /// Returns true if PayPal is not available: no response, 5xx, or an HTML page in place of a response.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::NoToken(error) if matches!(**error, Self::NoAnswer { .. }) => true,
            _ => self.status().is_some_and(|status| status >= 500 || status == 408),
        }
    }

    /// By what PayPal's support finds the request.
    #[must_use]
    pub fn debug_id(&self) -> Option<&str> {
        match self {
            Self::Refused { debug_id, .. } | Self::Unreadable { debug_id, .. } => debug_id.as_deref(),
            Self::NoToken(error) => error.debug_id(),
            _ => None,
        }
    }

    /// What exactly is wrong.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        match self {
            Self::Refused { details, .. } => details,
            _ => &[],
        }
    }

    /// Whether PayPal names this issue.
    #[must_use]
    pub fn has_issue(&self, issue: &str) -> bool {
        self.details().iter().any(|detail| detail.issue == issue)
    }

    /// When PayPal wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::NoToken(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether PayPal's rate limit is reached.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(429)
    }

    pub(crate) fn no_answer(operation: &'static str, error: &reqwest::Error) -> Self {
        let reason = if error.is_connect() {
            "cannot connect"
        } else if error.is_timeout() {
            "timeout"
        } else {
            "connection broken"
        };
        Self::NoAnswer { operation, reason, unsent: error.is_connect() }
    }

    /// A call that is not made, because PayPal answered 429 before and its wait is not over.
    pub(crate) fn rate_limited(operation: &'static str, wait: Duration) -> Self {
        Self::Refused {
            operation,
            status: 429,
            name: "RATE_LIMIT_REACHED".to_owned(),
            details: Vec::new(),
            debug_id: None,
            // Whole seconds, rounded up: a retry at that second is not too early.
            retry_after: Some(Duration::from_secs(wait.as_secs() + 1)),
        }
    }

    pub(crate) fn refused(operation: &'static str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        // What is no error of PayPal's API has no name.
        let said: Said = serde_json::from_slice(body).unwrap_or_default();
        let details = said.details.as_array().into_iter().flatten();
        let details = details.filter_map(|detail| Detail::deserialize(detail).ok());
        Self::Refused {
            operation,
            status: status.as_u16(),
            name: said.name.or(said.error).map(|name| word(&name)).unwrap_or_default(),
            details: details.map(Detail::tidy).collect(),
            debug_id: debug_id(headers).or(said.debug_id.map(|id| word(&id))),
            retry_after: retry::wanted_wait(headers),
        }
    }
}

/// PayPal's error body; the token endpoint has its own shape.
#[derive(Default, Deserialize)]
struct Said {
    name: Option<String>,
    error: Option<String>,
    debug_id: Option<String>,
    /// Read one by one: what cannot be read of them must not hide the name.
    #[serde(default)]
    details: serde_json::Value,
}

impl Detail {
    fn tidy(self) -> Self {
        let field = self.field.map(|field| field.chars().take(200).collect());
        Self {
            issue: word(&self.issue),
            field,
            description: self.description.map(|text| text.chars().take(300).collect()),
        }
    }
}

/// PayPal's words are letters, digits, hyphens and underscores; what else comes does not reach a log.
fn word(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(*letter)).take(100).collect()
}

fn issues(details: &[Detail]) -> String {
    details.iter().map(|detail| format!(" {}", detail.issue)).collect()
}

pub(crate) fn debug_id(headers: &HeaderMap) -> Option<String> {
    headers.get("paypal-debug-id").and_then(|value| value.to_str().ok()).map(word)
}

/// Reads a body, but no more than an answer of PayPal's can be.
pub(crate) async fn bounded(operation: &'static str, mut response: Response, most: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::no_answer(operation, &error))? {
        if body.len() + chunk.len() > most {
            let reason = format!("longer than {most} bytes");
            return Err(Error::Unreadable { operation, reason, debug_id: debug_id(response.headers()) });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
