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

    /// The time since it was first received, in seconds: since the first try, not since it came into the queue, where it may
    /// only have waited. Now, where SQS does not say.
    #[must_use]
    pub fn tried_for_seconds(&self) -> i64 {
        let first = self.attributes.get("ApproximateFirstReceiveTimestamp");
        let first = first.and_then(|first| first.parse::<i64>().ok());
        first.map_or(0, |first| jiff::Timestamp::now().as_second() - first / 1000)
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

/// Works on all messages at once. One that fails comes back after the queue's own time: work that can wait longer sends a
/// new message with a delay.
pub async fn standard<F>(batch: Batch, work: impl Fn(Record) -> F) -> Failures
where
    F: Future<Output = Result<(), Again>>,
{
    let each = batch.records.into_iter().map(async |record| {
        let id = record.message_id.clone();
        one(record, &work).await.err().map(|_again| id)
    });
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

/// Works on the messages of a group until one fails. The rest of the group is not worked on, and comes back together with
/// the one that failed: a message that stays hidden blocks its whole group.
async fn in_order<F>(group: Vec<Record>, queue: &Queue, work: &impl Fn(Record) -> F) -> Vec<String>
where
    F: Future<Output = Result<(), Again>>,
{
    let mut records = group.into_iter();
    while let Some(record) = records.next() {
        let failed = (record.message_id.clone(), record.receipt_handle.clone());
        if let Err(again) = one(record, work).await {
            let rest = records.map(|record| (record.message_id, record.receipt_handle));
            let back: Vec<_> = std::iter::once(failed).chain(rest).collect();
            if let Some(seconds) = again.after_seconds {
                join_all(back.iter().map(|(id, handle)| bring_back(queue, id, handle, seconds))).await;
            }
            return back.into_iter().map(|(id, _)| id).collect();
        }
    }
    Vec::new()
}

async fn bring_back(queue: &Queue, id: &str, handle: &str, seconds: u32) {
    if let Err(error) = queue.retime(handle, seconds).await {
        tracing::warn!(message_id = id, %error, "a message comes back after its queue's own time");
    }
}

/// Works on one message.
async fn one<F>(record: Record, work: &impl Fn(Record) -> F) -> Result<(), Again>
where
    F: Future<Output = Result<(), Again>>,
{
    let id = record.message_id.clone();
    // Each line of the log says which message, and which event once that is known, it is about.
    let span = tracing::info_span!("record", message_id = id, event_id = tracing::field::Empty);
    AssertUnwindSafe(work(record).instrument(span)).catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!(message_id = id, "the work on a message panicked");
        Err(Again { after_seconds: None })
    })
}

impl Failures {
    fn of(ids: impl Iterator<Item = String>) -> Self {
        Self { batch_item_failures: ids.map(|item_identifier| Failure { item_identifier }).collect() }
    }
}
