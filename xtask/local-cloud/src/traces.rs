//! Journeys as OpenTelemetry's traces, sent to a collector: each hop is a span.
//!
//! The spans are made from what is recorded anyway, after the fact, and there is one message to send: a document of JSON by
//! HTTP. OpenTelemetry's own libraries are made for programs that measure themselves, and cost fifty crates.
//!
//! Sources: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>,
//! <https://opentelemetry.io/docs/specs/semconv/>

mod span;

use std::{fmt, str::FromStr, time::Duration};

use bytes::Bytes;
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    account::Account,
    record::Recorder,
    wire::post::{Poster, content_type},
};

/// As many spans go in one request.
const BATCH: usize = 512;
/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Where traces go: an address that takes OTLP's JSON, such as `http://127.0.0.1:4318/v1/traces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector(Uri);

/// Why traces cannot go to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no collector that can be used here: write http://HOST:PORT/v1/traces; one behind TLS needs another between"
)]
pub struct NoCollector(String);

impl FromStr for Collector {
    type Err = NoCollector;

    /// An address without a path is a collector's as a whole, which takes traces at `/v1/traces`.
    fn from_str(text: &str) -> Result<Self, NoCollector> {
        let uri = |text: &str| text.parse::<Uri>().map_err(|_| NoCollector(text.to_owned()));
        let given = uri(text)?;
        if given.scheme_str() != Some("http") || given.host().is_none_or(str::is_empty) {
            return Err(NoCollector(text.to_owned()));
        }
        let bare = given.path() == "/" && given.query().is_none();
        Ok(Self(if bare { uri(&format!("{}/v1/traces", text.trim_end_matches('/')))? } else { given }))
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Sends every hop from now on to a collector, until the task is aborted. A collector that is not there is asked again; what
/// the record forgets meanwhile is lost to it.
pub(crate) async fn export(recorder: Recorder, account: Account, collector: Collector) {
    let poster = Poster::default();
    let (mut told, mut place) = (recorder.follow(), 0);
    // The recorder is this cloud's own and lasts as long as it.
    while told.wait_for(|count| *count > place).await.is_ok() {
        let news = recorder.from(place, BATCH);
        place = news.next;
        let document = json!({ "resourceSpans": span::by_resource(&news.hops, &account) });
        deliver(&poster, &collector, Bytes::from(document.to_string())).await;
    }
}

/// Sends until it is taken, or refused for good.
async fn deliver(poster: &Poster, collector: &Collector, document: Bytes) {
    let (mut wait, mut told) = (FIRST_WAIT, false);
    loop {
        let answered = poster.post(&collector.0, content_type("application/json"), document.clone(), PATIENCE).await;
        let why = match answered {
            Ok(status) if status.is_success() => return,
            Ok(status) if is_passing(status) => format!("it answered {status}"),
            Ok(status) => {
                eprintln!("{collector} does not take traces: it answered {status}");
                return;
            }
            Err(why) => why,
        };
        if !told {
            eprintln!("{collector} takes no traces: {why}; they are sent again until it does");
            told = true;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Whether the collector is to be asked again.
///
/// Source: <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// An attribute of a span or a resource; nothing when the value is null.
fn attribute(key: &str, value: Value) -> Option<Value> {
    let value = match value {
        Value::Null => return None,
        // JSON's numbers are not as long as these may be.
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Bool(value) => json!({ "boolValue": value }),
        other => json!({ "stringValue": other.as_str().map_or_else(|| other.to_string(), str::to_owned) }),
    };
    Some(json!({ "key": key, "value": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_takes_traces_where_collectors_do() {
        let read = |text: &str| text.parse::<Collector>().map(|collector| collector.to_string());
        for (text, address) in [
            ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector/own?key=1", "http://collector/own?key=1"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(address), "{text}");
        }
        for wrong in
            ["", "127.0.0.1:4318", "https://127.0.0.1:4318/v1/traces", "http://", "grpc://h:4317", "no address"]
        {
            assert_eq!(read(wrong), Err(NoCollector(wrong.to_owned())), "{wrong}");
        }
    }
}
