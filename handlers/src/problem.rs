//! Answers that say what is wrong, as `application/problem+json`.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc9457>

use serde::Serialize;

use crate::request::Answer;

/// What is wrong with a request, or with what it asks for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is; the same words for the same kind.
    pub title: &'static str,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Each mistake in the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub errors: Vec<Mistake>,
    /// After how many seconds another try may help; sent as the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// One mistake in a request.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mistake {
    /// Where it is, as a JSON pointer into the body.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(status: u16, title: &'static str) -> Self {
        Self { status, title, detail: None, errors: Vec::new(), retry_after: None }
    }

    /// With a sentence about what to do.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// What PayPal's failure means for whoever called this service. PayPal's own words about the caller's mistakes are
    /// passed on; what is between PayPal and this service is not.
    ///
    /// Source: <https://developer.paypal.com/api/rest/responses/>
    #[must_use]
    pub fn from_paypal(error: &paypal::Error) -> Self {
        let wait = error.retry_after().map_or(30, |wait| wait.as_secs().clamp(1, 3600));
        let later = |status, title| Self { retry_after: Some(wait), ..Self::new(status, title) };
        match error.status() {
            Some(400 | 404 | 422) => Self { errors: mistakes(error), ..Self::new(422, "PayPal refuses the request") },
            // Not a failure of this service: as a 5xx it would undo a deployment that is in progress.
            Some(429) => later(429, "PayPal is busy"),
            // The same request is being worked on.
            Some(409) => later(503, "PayPal is busy"),
            Some(401 | 403) => Self::new(502, "PayPal does not work with this service"),
            Some(_) => later(502, "PayPal does not work"),
            None if matches!(error, paypal::Error::Credentials { .. } | paypal::Error::Setup(_)) => {
                Self::new(502, "PayPal does not work with this service")
            }
            None => later(504, "PayPal does not answer"),
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let mut answer = Answer::json(self.status, "application/problem+json", self);
        if let Some(seconds) = self.retry_after {
            answer.headers.insert("retry-after", seconds.to_string());
        }
        answer
    }
}

/// PayPal's details, without the values: those are the caller's own.
fn mistakes(error: &paypal::Error) -> Vec<Mistake> {
    let details = error.details().iter();
    details
        .map(|detail| Mistake {
            pointer: detail.field.clone().unwrap_or_default(),
            detail: format!("{}: {}", detail.issue, detail.description.as_deref().unwrap_or("PayPal says no more")),
        })
        .collect()
}
