//! Message move tasks: what a dead-letter queue holds goes back to where it came from, or to another queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Queue, Sqs,
    errors::{missing, out_of_range},
};
use crate::{clock::Moment, wire::ApiError};

/// As many tasks are told of a queue.
const TOLD: usize = 10;

/// The tasks of the account, the newest last.
#[derive(Default)]
pub(super) struct MoveTasks(Mutex<Vec<Task>>);

#[derive(Clone)]
struct Task {
    id: String,
    source: String,
    destination: Option<String>,
    per_second: Option<u64>,
    status: &'static str,
    moved: usize,
    to_move: usize,
    failure: Option<&'static str>,
    started: Moment,
}

/// Starts a task; its handle. It works in the background.
pub(super) fn start(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let source_arn = text(request, "SourceArn").ok_or_else(|| missing("SourceArn"))?;
    let source = sqs.by_arn(source_arn).ok_or_else(not_found)?;
    let feeds = |queue: &Arc<Queue>| queue.attributes().redrive.is_some_and(|redrive| redrive.target == source_arn);
    if !sqs.all().iter().any(feeds) {
        let message = "Source queue must be configured as a Dead Letter Queue.";
        return Err(ApiError::caller("InvalidParameterValue", message));
    }
    let destination = text(request, "DestinationArn").map(|arn| sqs.by_arn(arn).ok_or_else(not_found)).transpose()?;
    let per_second = request.get("MaxNumberOfMessagesPerSecond").and_then(Value::as_u64);
    if let Some(number) = per_second.filter(|number| !(1..=500).contains(number)) {
        let reason = "You must enter a value between 1 and 500.";
        return Err(out_of_range("MaxNumberOfMessagesPerSecond", number, reason));
    }
    let id = Uuid::new_v4().to_string();
    let mut tasks = sqs.inner.move_tasks.lock();
    if tasks.iter().any(|task| task.source == source_arn && ["RUNNING", "CANCELLING"].contains(&task.status)) {
        let message =
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
        return Err(ApiError::named("AWS.SimpleQueueService.UnsupportedOperation", "UnsupportedOperation", message));
    }
    tasks.push(Task {
        id: id.clone(),
        source: source_arn.to_owned(),
        destination: destination.as_ref().map(|queue| queue.arn().to_owned()),
        per_second,
        status: "RUNNING",
        moved: 0,
        to_move: source.counts().visible,
        failure: None,
        started: sqs.clock().now(),
    });
    drop(tasks);
    let (sqs, handle) = (sqs.clone(), json!({ "TaskHandle": handle(&id, source_arn) }));
    tokio::spawn(async move { sqs.inner.move_tasks.run(&sqs, &id, &source, destination).await });
    Ok(handle)
}

/// The newest tasks of a queue.
pub(super) fn list(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let source = text(request, "SourceArn").ok_or_else(|| missing("SourceArn"))?;
    sqs.by_arn(source).ok_or_else(not_found)?;
    let most = request.get("MaxResults").and_then(Value::as_u64).unwrap_or(1);
    let most = usize::try_from(most).ok().filter(|most| (1..=TOLD).contains(most));
    let most = most.ok_or_else(|| out_of_range("MaxResults", most.unwrap_or(0), "It must be between 1 and 10."))?;
    let tasks = sqs.inner.move_tasks.lock();
    let of_source = tasks.iter().rev().filter(|task| task.source == source).take(most);
    Ok(json!({ "Results": of_source.map(Task::json).collect::<Vec<_>>() }))
}

/// Ends a task; how many messages it had moved.
pub(super) fn cancel(sqs: &Sqs, request: &Value) -> Result<Value, ApiError> {
    let wanted = text(request, "TaskHandle").ok_or_else(|| missing("TaskHandle"))?;
    let mut tasks = sqs.inner.move_tasks.lock();
    let task = tasks.iter_mut().find(|task| handle(&task.id, &task.source) == wanted);
    let running = task.filter(|task| task.status == "RUNNING").ok_or_else(|| {
        let message = "The task does not exist, or is not running.";
        ApiError { status: 404, ..ApiError::caller("ResourceNotFoundException", message) }
    })?;
    running.status = "CANCELLED";
    Ok(json!({ "ApproximateNumberOfMessagesMoved": running.moved }))
}

impl MoveTasks {
    async fn run(&self, sqs: &Sqs, id: &str, source: &Queue, destination: Option<Arc<Queue>>) {
        let pause = self.with(id, |task| task.per_second).flatten().map(|rate| Duration::from_secs(1) / clamp(rate));
        // What comes meanwhile stays: the task moves what was there when it began.
        let mut left = self.with(id, |task| task.to_move).unwrap_or_default();
        while left > 0 && self.with(id, |task| task.status) == Some("RUNNING") {
            let Some(message) = source.give_away() else { break };
            let back = || sqs.by_arn(message.source.as_deref()?);
            let Some(target) = destination.clone().or_else(back) else {
                source.take_over(message);
                self.with(id, |task| {
                    task.status = "FAILED";
                    task.failure = Some("CouldNotDetermineMessageSource");
                });
                return;
            };
            target.take_over(super::state::MessageParts { source: None, ..message });
            left -= 1;
            self.with(id, |task| task.moved += 1);
            if let Some(pause) = pause {
                sqs.clock().sleep(pause).await;
            }
        }
        self.with(id, |task| {
            if task.status == "RUNNING" {
                task.status = "COMPLETED";
            }
        });
    }

    fn with<T>(&self, id: &str, work: impl FnOnce(&mut Task) -> T) -> Option<T> {
        self.lock().iter_mut().find(|task| task.id == id).map(work)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    fn json(&self) -> Value {
        let mut json = Map::from_iter([
            ("Status".to_owned(), json!(self.status)),
            ("SourceArn".to_owned(), json!(self.source)),
            ("ApproximateNumberOfMessagesMoved".to_owned(), json!(self.moved)),
            ("ApproximateNumberOfMessagesToMove".to_owned(), json!(self.to_move)),
            ("StartedTimestamp".to_owned(), json!(u64::try_from(self.started.as_millis()).unwrap_or(u64::MAX))),
        ]);
        let optional = [
            ("TaskHandle", (self.status == "RUNNING").then(|| json!(handle(&self.id, &self.source)))),
            ("DestinationArn", self.destination.as_ref().map(|arn| json!(arn))),
            ("MaxNumberOfMessagesPerSecond", self.per_second.map(|number| json!(number))),
            ("FailureReason", self.failure.map(|reason| json!(reason))),
        ];
        json.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(json)
    }
}

fn handle(id: &str, source: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(json!({ "taskId": id, "sourceArn": source }).to_string())
}

/// The rate was checked; one that is none would be no pause.
fn clamp(rate: u64) -> u32 {
    u32::try_from(rate.clamp(1, 500)).unwrap_or(1)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn not_found() -> ApiError {
    let message = "The resource that you specified for the SourceArn parameter doesn't exist.";
    ApiError { status: 404, ..ApiError::caller("ResourceNotFoundException", message) }
}
