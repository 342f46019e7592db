//! Event source mappings: messages of a queue start a function.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html>

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, oneshot},
    task::{JoinHandle, JoinSet},
};

use crate::{
    account::Account,
    activity::What,
    clock::Clock,
    lambda::{InvokeError, Lambda},
    pattern::Rules,
    sqs::{Queue, Receive, Received},
};

/// As long as SQS lets anyone wait for a message.
const WAIT: Duration = Duration::from_secs(20);
/// As many messages SQS gives out at a time.
const MOST_RECEIVED: usize = 10;
/// How long messages are hidden that a function has while a debugger is at it: as long as SQS hides any.
const DEBUGGED: Duration = Duration::from_secs(12 * 3600);

/// How a queue feeds a function.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSource {
    /// The function's ARN.
    pub function: String,
    /// As many messages a batch may hold, 1 to 10,000.
    pub batch_size: usize,
    /// How long to wait for a batch to fill.
    pub window: Duration,
    /// As many batches may be worked on at once.
    pub max_concurrency: usize,
    /// Whether the function says which messages of a batch failed.
    pub reports_failures: bool,
    /// Which messages the function wants; others are deleted.
    pub filters: Filters,
}

/// Patterns, one of which a message must fit; without any, every message is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters(Vec<Rules>);

impl Filters {
    /// Reads the patterns of a mapping's filter criteria.
    ///
    /// # Errors
    /// When one is no pattern.
    pub(crate) fn read<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let read = |text: &str| {
            let pattern: Value = serde_json::from_str(text).map_err(|error| format!("{text} is not JSON: {error}"))?;
            let pattern = pattern.as_object().ok_or_else(|| format!("{text} is no object"))?;
            Rules::read(pattern, true).map_err(|why| format!("{text}: {why}"))
        };
        patterns.map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the function gets this message. A body is looked at as JSON where it is JSON, otherwise as a text.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html>
    fn want(&self, record: &Value) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let mut record = record.clone();
        let parsed = record.get("body").and_then(Value::as_str).and_then(|body| serde_json::from_str(body).ok());
        if let (Some(body), Some(parsed)) = (record.get_mut("body"), parsed) {
            *body = parsed;
        }
        self.0.iter().any(|rules| rules.hold(&record))
    }
}

/// A mapping at work.
pub(crate) struct Feeding {
    source: Arc<EventSource>,
    queue: Arc<Queue>,
    /// Dropped when it is to take no more messages.
    goes_on: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Feeding {
    /// Whether it feeds from this queue, and as this says.
    pub(crate) fn is(&self, source: &EventSource, queue: &Arc<Queue>) -> bool {
        *self.source == *source && Arc::ptr_eq(&self.queue, queue)
    }

    /// Ends it at once, whatever it works on.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    /// Takes no more messages. What it has is worked on to its end, which is that of the task.
    pub(crate) fn finish(self) -> JoinHandle<()> {
        drop(self.goes_on);
        self.task
    }
}

/// Feeds the function.
pub(crate) fn start(source: EventSource, queue: Arc<Queue>, lambda: Lambda, account: Account, clock: Clock) -> Feeding {
    let (goes_on, mut finished) = oneshot::channel();
    let (source, fed) = (Arc::new(source), Arc::clone(&queue));
    let how = Arc::clone(&source);
    let task = tokio::spawn(async move {
        let permits = Arc::new(Semaphore::new(source.max_concurrency));
        let mut running = JoinSet::new();
        loop {
            // Only who can work on messages receives them: those that wait here would lose their time.
            let permit = tokio::select! {
                Ok(permit) = Arc::clone(&permits).acquire_owned() => permit,
                _ = &mut finished => break,
            };
            let debugged = lambda.is_debugged(&source.function);
            let hidden = debugged.then_some(DEBUGGED);
            // Whoever waits for a first message has none that could be lost.
            let first = tokio::select! {
                first = receive_first(&queue, &source, hidden) => first,
                _ = &mut finished => break,
            };
            let batch = fill(first, &queue, &source, hidden, &clock).await;
            while running.try_join_next().is_some() {}
            if batch.is_empty() {
                continue;
            }
            let (source, queue, lambda, region, clock) =
                (Arc::clone(&source), Arc::clone(&queue), lambda.clone(), account.region.clone(), clock.clone());
            running.spawn(async move {
                let handles: Vec<_> = batch.iter().map(|message| message.receipt_handle.clone()).collect();
                work(&source, &queue, &lambda, &region, &clock, batch).await;
                if debugged {
                    give_back(&queue, &handles);
                }
                drop(permit);
            });
        }
        while running.join_next().await.is_some() {}
    });
    Feeding { source: how, queue: fed, goes_on, task }
}

/// What a receive may give out, when a batch has room for so many.
fn most(room: usize) -> usize {
    room.clamp(1, MOST_RECEIVED)
}

/// What is there, or the first that comes; hidden for so long, where the queue does not say it.
async fn receive_first(queue: &Queue, source: &EventSource, hidden: Option<Duration>) -> Vec<Received> {
    let first = Receive { max: most(source.batch_size), wait: WAIT, visibility: hidden };
    // A queue that gave out all it may has nothing for anyone until some of it is deleted.
    queue.receive(first).await.unwrap_or_default()
}

/// A batch: what was there, and what comes until it is full or its window closes.
async fn fill(
    mut batch: Vec<Received>,
    queue: &Queue,
    source: &EventSource,
    hidden: Option<Duration>,
    clock: &Clock,
) -> Vec<Received> {
    let closes = clock.now() + source.window;
    while !batch.is_empty() && batch.len() < source.batch_size && clock.now() < closes {
        let wait = closes.saturating_sub(clock.now()).min(WAIT);
        let more = Receive { max: most(source.batch_size - batch.len()), wait, visibility: hidden };
        batch.extend(queue.receive(more).await.unwrap_or_default());
    }
    batch
}

/// Those messages of a batch that the filters want; the others are deleted.
fn wanted(source: &EventSource, queue: &Queue, region: &str, batch: Vec<Received>) -> Vec<Received> {
    let (wanted, others): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|message| source.filters.want(&record(queue, region, message)));
    for message in others {
        let _comes_again = queue.delete(&message.receipt_handle);
    }
    wanted
}

/// Invokes the function with a batch and deletes what it has done. What failed comes back when its time is over.
async fn work(source: &EventSource, queue: &Queue, lambda: &Lambda, region: &str, clock: &Clock, batch: Vec<Received>) {
    let batch = wanted(source, queue, region, batch);
    if batch.is_empty() {
        return;
    }
    let payload = Bytes::from(event(queue, region, &batch).to_string());
    let ids = batch.iter().map(|message| message.message_id.as_str());
    let cause = Arc::new(queue.recorder().cause_of(queue.node(), ids));
    let mut wait = Duration::from_millis(100);
    let invocation = loop {
        match Arc::clone(&cause).of(lambda.invoke(&source.function, payload.clone())).await {
            Ok(invocation) => break invocation,
            // Until the messages are somebody else's.
            Err(InvokeError::Throttled) if batch.iter().any(|message| queue.is_current(&message.receipt_handle)) => {
                clock.sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(10));
            }
            Err(_) => return,
        }
    };
    let failed = match invocation.result {
        Ok(answer) if source.reports_failures => failures(&answer, &batch),
        Ok(_) => Some(HashSet::new()),
        Err(_) => None,
    };
    let (all, messages) = (failed.is_none(), batch.len());
    let failed = failed.unwrap_or_default();
    for message in batch.iter().filter(|message| !all && !failed.contains(&message.message_id)) {
        // One whose time was over meanwhile is received again; that is for the function to bear.
        let _comes_again = queue.delete(&message.receipt_handle);
    }
    let failed = if all { messages } else { failed.len() };
    queue.activity().tell(What::Batch { queue: queue.name().to_owned(), messages, failed }, None);
}

/// Hides what was not deleted as long as the queue says, and not for as long as a debugger may take.
fn give_back(queue: &Queue, handles: &[String]) {
    for handle in handles {
        let _done_with = queue.change_visibility(handle, queue.visibility_timeout());
    }
}

/// The ids of the messages that failed; nothing when the whole batch did, because the answer makes no sense.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
fn failures(answer: &[u8], batch: &[Received]) -> Option<HashSet<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        #[serde(default)]
        batch_item_failures: Option<Vec<Item>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Item {
        item_identifier: String,
    }
    if answer.is_empty() {
        return Some(HashSet::new());
    }
    let answer: Option<Answer> = serde_json::from_slice(answer).ok()?;
    let items = answer.and_then(|answer| answer.batch_item_failures).unwrap_or_default();
    let known = |id: &String| batch.iter().any(|message| message.message_id == *id);
    let ids: HashSet<_> = items.into_iter().map(|item| item.item_identifier).collect();
    ids.iter().all(known).then_some(ids)
}

/// What the function gets.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn event(queue: &Queue, region: &str, batch: &[Received]) -> Value {
    json!({ "Records": batch.iter().map(|message| record(queue, region, message)).collect::<Vec<_>>() })
}

fn record(queue: &Queue, region: &str, message: &Received) -> Value {
    let attributes: serde_json::Map<_, _> =
        message.message_attributes.iter().map(|(name, attribute)| (name.clone(), attribute.event_json())).collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn(),
        "awsRegion": region,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(id: &str) -> Received {
        Received {
            message_id: id.to_owned(),
            receipt_handle: String::new(),
            body: String::new(),
            md5_of_body: String::new(),
            attributes: BTreeMap::new(),
            message_attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_fails_the_whole_batch() {
        let batch = [message("a"), message("b")];
        let failed = |answer: &str| failures(answer.as_bytes(), &batch).map(|ids| ids.len());
        for fine in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(failed(fine), Some(0), "{fine}");
        }
        assert_eq!(failed(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#), Some(1));
        for wrong in [
            "no json",
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        ] {
            assert_eq!(failed(wrong), None, "{wrong}");
        }
    }
}
