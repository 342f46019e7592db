//! A request as API Gateway hands it over (payload format 2.0), and the answer to it.
//!
//! Only what the functions read: a header that no HTTP library would take must lead to a 4xx answer of ours, not to a
//! failed invocation.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// A request of payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Names in lower case; several values of one name are joined by commas.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, as base64 when `is_base64_encoded` says so.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether the body is base64.
    #[serde(default)]
    pub is_base64_encoded: bool,
    #[serde(default)]
    request_context: Option<RequestContext>,
}

#[derive(Deserialize)]
struct RequestContext {
    #[serde(default)]
    http: Option<Http>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    #[serde(default)]
    source_ip: Option<String>,
}

impl Request {
    /// The body's bytes, as the sender sent them; nothing when its base64 is broken.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let body = self.body.as_deref().unwrap_or_default();
        if self.is_base64_encoded { STANDARD.decode(body).ok() } else { Some(body.as_bytes().to_vec()) }
    }

    /// The caller's address, as API Gateway saw it; `None` for an invocation that is not API Gateway's.
    #[must_use]
    pub fn source_ip(&self) -> Option<&str> {
        self.request_context.as_ref()?.http.as_ref()?.source_ip.as_deref()
    }

    /// A header's value, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An answer to a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// 200 with a JSON body.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(200, "application/json", body)
    }

    /// Any status with a JSON body.
    #[must_use]
    pub fn json(status_code: u16, content_type: &str, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => {
                Self { status_code, headers: BTreeMap::from([("content-type", content_type.to_owned())]), body }
            }
            // An empty body under the intended status would pass for a success.
            Err(error) => {
                tracing::error!(%error, "a response cannot be written as JSON");
                Self { status_code: 500, headers: BTreeMap::new(), body: String::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Request};
    use crate::Unwritable;

    #[test]
    fn answer_that_cannot_be_written_is_500_and_no_empty_success() {
        assert_eq!(Answer::ok(&Unwritable).status_code, 500);
        assert_eq!(Answer::ok(&1).body, "1");
    }

    #[test]
    fn bodies_are_bytes_whatever_they_came_as() {
        let read = |json: &str| serde_json::from_str::<Request>(json).unwrap().bytes();
        assert_eq!(read(r#"{"body":"é"}"#), Some("é".as_bytes().to_vec()));
        assert_eq!(read(r#"{"body":"AP8=","isBase64Encoded":true}"#), Some(vec![0, 255]));
        assert_eq!(read(r#"{"body":"?","isBase64Encoded":true}"#), None);
        assert_eq!(read("{}"), Some(Vec::new()));
    }
}
