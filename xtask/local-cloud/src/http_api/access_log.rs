//! The access log: a line for each request, in the format that the stage names.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>

use jiff::Timestamp;

use super::{
    Head, Known,
    payload::{log_time, protocol},
};

/// Where requests are noted, and how.
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// The log group's name.
    pub group: String,
    /// A text with `$context.` variables.
    pub format: String,
}

impl AccessLog {
    /// The line for one request. A variable that is not known here is a hyphen, as AWS writes what has no value.
    pub(super) fn line(&self, stage: &str, known: &Known, head: &Head, status: u16, failed: Option<&str>) -> String {
        let value = |name: &str| match name {
            "requestId" | "extendedRequestId" => known.id.clone(),
            "routeKey" | "resourcePath" => known.route_key.clone(),
            "status" | "integrationStatus" => status.to_string(),
            "responseLatency" | "integrationLatency" => known.since.elapsed().as_millis().to_string(),
            "httpMethod" => head.method.to_string(),
            "path" => head.uri.path().to_owned(),
            "protocol" => protocol(head.version).to_owned(),
            "identity.sourceIp" => known.source_ip.clone(),
            "identity.userAgent" => {
                head.user_agent.as_ref().and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned()
            }
            "requestTime" => log_time(Timestamp::now()),
            "requestTimeEpoch" => Timestamp::now().as_millisecond().to_string(),
            "stage" => stage.to_owned(),
            "error.message" | "integrationErrorMessage" | "integration.error" => failed.unwrap_or("-").to_owned(),
            _ => "-".to_owned(),
        };
        let mut line = String::new();
        let mut parts = self.format.split("$context.");
        line.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.').unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            line.push_str(&escaped(&value(name)));
            line.push_str(rest);
        }
        line
    }
}

/// What the caller sent cannot end the JSON text or the line that it stands in.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}
