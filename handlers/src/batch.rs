//! Messages of a queue, in batches: which of them failed, and when those come back.
//!
//! A message that fails does not bring back the others, and a panic is one message's failure. Of a FIFO queue the messages
//! of one group are worked on one after the other; after the first that fails, the rest of its group goes back with it, or
//! their order would be lost.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::{collections::HashMap, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::join_all};
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::clients::Queue;

/// A batch as Lambda hands it over.
#[derive(Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One message of a batch.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// SQS's id of the message.
    pub message_id: String,
    /// By which it is deleted and retimed.
    pub receipt_handle: String,
    /// What it says.
    pub body: String,
    /// What SQS knows of it.
    #[serde(default)]
    pub attributes: HashMap<String, String>,
}

impl Record {
    /// How often it was received, this time included.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// How long ago it came into the queue, in seconds.
    #[must_use]
    pub fn waited_seconds(&self) -> Option<i64> {
        let sent: i64 = self.attributes.get("SentTimestamp")?.parse().ok()?;
        Some(jiff::Timestamp::now().as_second() - sent / 1000)
    }

    fn group(&self) -> &str {
        self.attributes.get("MessageGroupId").map_or("", String::as_str)
    }
}

/// Which messages of the batch failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

/// A message could not be worked on now.
#[derive(Debug, PartialEq, Eq)]
pub struct Again {
    /// After how many seconds it comes back; after the queue's own time without.
    pub after_seconds: Option<u32>,
}

/// Works on all messages at once.
pub async fn standard<F>(batch: Batch, queue: &Queue, work: impl Fn(Record) -> F) -> Failures
where
    F: Future<Output = Result<(), Again>>,
{
    let each = batch.records.into_iter().map(|record| one(record, queue, &work));
    Failures::of(join_all(each).await.into_iter().flatten())
}

/// Works on the groups at once, and within a group on one message after the other.
pub async fn fifo<F>(batch: Batch, queue: &Queue, work: impl Fn(Record) -> F) -> Failures
where
    F: Future<Output = Result<(), Again>>,
{
    let mut groups: Vec<Vec<Record>> = Vec::new();
    for record in batch.records {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.group() == record.group())) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    let each = groups.into_iter().map(|group| in_order(group, queue, &work));
    Failures::of(join_all(each).await.into_iter().flatten())
}

async fn in_order<F>(group: Vec<Record>, queue: &Queue, work: &impl Fn(Record) -> F) -> Vec<String>
where
    F: Future<Output = Result<(), Again>>,
{
    let mut records = group.into_iter();
    while let Some(record) = records.next() {
        if let Some(failed) = one(record, queue, work).await {
            return std::iter::once(failed).chain(records.map(|record| record.message_id)).collect();
        }
    }
    Vec::new()
}

/// Works on one message; answers its id when it failed.
async fn one<F>(record: Record, queue: &Queue, work: &impl Fn(Record) -> F) -> Option<String>
where
    F: Future<Output = Result<(), Again>>,
{
    let (id, handle) = (record.message_id.clone(), record.receipt_handle.clone());
    // Each line of the log says which message, and which event once that is known, it is about.
    let span = tracing::info_span!("record", message_id = id, event_id = tracing::field::Empty);
    let again = match AssertUnwindSafe(work(record).instrument(span)).catch_unwind().await {
        Ok(Ok(())) => return None,
        Ok(Err(again)) => again,
        Err(_panic) => {
            tracing::error!(message_id = id, "the work on a message panicked");
            Again { after_seconds: None }
        }
    };
    if let Some(seconds) = again.after_seconds
        && let Err(error) = queue.retime(&handle, seconds).await
    {
        tracing::warn!(message_id = id, %error, "a message comes back after its queue's own time");
    }
    Some(id)
}

impl Failures {
    fn of(ids: impl Iterator<Item = String>) -> Self {
        Self { batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect() }
    }
}
