//! SQS's actions, in AWS's JSON protocol: each reads its request, does it, and writes its answer.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

mod batch;
mod messages;
mod owners;
mod queues;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    Queue, Sqs,
    errors::{missing, no_such_queue},
    move_task,
};
use crate::wire::ApiError;

/// Does one action.
pub(crate) async fn run(sqs: &Sqs, action: &str, request: &Value) -> Result<Value, ApiError> {
    match action {
        "CreateQueue" => queues::create(sqs, request),
        "DeleteQueue" => queue(sqs, request).map(|queue| {
            sqs.delete_queue(queue.name());
            json!({})
        }),
        "ListQueues" => queues::list(sqs, request),
        "GetQueueUrl" => queues::url(sqs, request),
        "GetQueueAttributes" => queues::attributes(&*queue(sqs, request)?, request),
        "SetQueueAttributes" => {
            queue(sqs, request)?.change_attributes(&texts(request.get("Attributes")))?;
            Ok(json!({}))
        }
        "ListDeadLetterSourceQueues" => queues::sources(sqs, &*queue(sqs, request)?, request),
        "PurgeQueue" => queue(sqs, request)?.purge().map(|()| json!({})),
        "ListQueueTags" => queue(sqs, request).map(|queue| json!({ "Tags": queue.tags() })),
        "TagQueue" => queues::tag(&*queue(sqs, request)?, request),
        "UntagQueue" => queues::untag(&*queue(sqs, request)?, request),
        "AddPermission" => owners::add(&*queue(sqs, request)?, request),
        "RemovePermission" => owners::remove(&*queue(sqs, request)?, request),
        "SendMessage" => messages::send(&*queue(sqs, request)?, request),
        "SendMessageBatch" => batch::send(&*queue(sqs, request)?, request),
        "ReceiveMessage" => messages::receive(&*queue(sqs, request)?, request).await,
        "DeleteMessage" => messages::delete(&*queue(sqs, request)?, request).map_err(of_one),
        "DeleteMessageBatch" => {
            let queue = queue(sqs, request)?;
            batch::run("DeleteMessage", request, |entry| messages::delete(&queue, entry))
        }
        "ChangeMessageVisibility" => messages::change_visibility(&*queue(sqs, request)?, request).map_err(of_one),
        "ChangeMessageVisibilityBatch" => {
            let queue = queue(sqs, request)?;
            batch::run("ChangeMessageVisibility", request, |entry| messages::change_visibility(&queue, entry))
        }
        "StartMessageMoveTask" => move_task::start(sqs, request),
        "ListMessageMoveTasks" => move_task::list(sqs, request),
        "CancelMessageMoveTask" => move_task::cancel(sqs, request),
        _ => {
            let message = format!("The action {action} is not valid for this endpoint.");
            Err(ApiError::named("InvalidAction", "UnknownOperationException", message))
        }
    }
}

/// AWS names the handle in the entries of a batch only.
fn of_one(error: ApiError) -> ApiError {
    if error.code == "ReceiptHandleIsInvalid" {
        return ApiError { message: "The input receipt handle is invalid.".to_owned(), ..error };
    }
    error
}

fn queue(sqs: &Sqs, request: &Value) -> Result<Arc<Queue>, ApiError> {
    let url = text(request, "QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
    sqs.by_url(url).ok_or_else(no_such_queue)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

fn names(request: &Value, key: &str) -> HashSet<String> {
    list(request, key).map(str::to_owned).collect()
}

fn list<'a>(request: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    request.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
