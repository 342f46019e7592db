//! Destinations: who is told how an asynchronous event ended, and in which words.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::FunctionError;

/// How an asynchronous event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// How it ended.
    pub(super) condition: Condition,
    /// How often the function was invoked with it.
    pub(super) invocations: u32,
    /// What the function answered last, if it was invoked at all.
    pub(super) answer: Option<Result<Bytes, FunctionError>>,
}

/// The kinds of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The function did it.
    Success,
    /// It failed as often as it may.
    RetriesExhausted,
    /// It waited longer than it may.
    EventAgeExceeded,
}

impl End {
    /// The record that the destination gets of an event.
    pub(super) fn record(&self, function_arn: &str, event_id: &str, payload: &[u8], at: Timestamp) -> Value {
        let condition = match self.condition {
            Condition::Success => "Success",
            Condition::RetriesExhausted => "RetriesExhausted",
            Condition::EventAgeExceeded => "EventAgeExceeded",
        };
        let mut record = json!({
            "version": "1.0",
            "timestamp": format!("{at:.3}"),
            "requestContext": {
                "requestId": event_id,
                "functionArn": format!("{function_arn}:$LATEST"),
                "condition": condition,
                "approximateInvokeCount": self.invocations,
            },
            "requestPayload": json_or_text(payload),
        });
        let mut add = |name: &str, value: Value| {
            if let Some(members) = record.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        let mut context =
            Map::from_iter([("statusCode".to_owned(), json!(200)), ("executedVersion".to_owned(), json!("$LATEST"))]);
        match &self.answer {
            // It was never invoked: nothing was answered.
            None => {}
            Some(Ok(answer)) => {
                add("responseContext", Value::Object(context));
                add("responsePayload", json_or_text(answer));
            }
            Some(Err(error)) => {
                context.insert("functionError".to_owned(), json!("Unhandled"));
                add("responseContext", Value::Object(context));
                add("responsePayload", json_or_text(&error.payload));
            }
        }
        record
    }

    /// The code and the words that a dead-letter target gets beside the event.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq>
    pub(super) fn told(&self) -> (&'static str, String) {
        match (self.condition, &self.answer) {
            (Condition::RetriesExhausted, Some(Err(error))) => ("200", error.message()),
            _ => ("429", "the event is too old".to_owned()),
        }
    }
}

fn json_or_text(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
