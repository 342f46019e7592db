//! Permissions of other accounts, as statements in a queue's policy. They are told, and not checked.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{list, text};
use crate::{
    sqs::{
        Queue,
        errors::{missing, out_of_range, over_limit},
    },
    wire::ApiError,
};

/// As many actions a permission may name.
const MOST_ACTIONS: usize = 7;

/// What another account may be let do.
const FOR_OTHERS: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

pub(super) fn add(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let label = text(request, "Label").ok_or_else(|| missing("Label"))?;
    let actions: Vec<_> = list(request, "Actions").collect();
    let accounts: Vec<_> = list(request, "AWSAccountIds").map(|id| format!("arn:aws:iam::{id}:root")).collect();
    if actions.is_empty() {
        return Err(missing("Actions"));
    }
    if accounts.is_empty() {
        return Err(out_of_range("PrincipalId", "[]", "Unable to verify."));
    }
    if actions.len() > MOST_ACTIONS {
        return Err(over_limit(format!("{} Actions were found, maximum allowed is {MOST_ACTIONS}.", actions.len())));
    }
    if let Some(action) = actions.iter().find(|action| !FOR_OTHERS.contains(action)) {
        let reason = "Only the queue owner is allowed to invoke this action.";
        return Err(out_of_range("ActionName", format_args!("SQS:{action}"), reason));
    }
    let (mut policy, statements) = policy(queue);
    if statements.iter().any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(label)) {
        return Err(out_of_range("Label", label, "Already exists."));
    }
    let statement = json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(accounts) },
        "Action": one_or_all(actions.iter().map(|action| format!("SQS:{action}")).collect()),
        "Resource": queue.arn(),
    });
    policy.insert("Statement".to_owned(), statements.into_iter().chain([statement]).collect());
    write(queue, &Value::Object(policy))
}

pub(super) fn remove(queue: &Queue, request: &Value) -> Result<Value, ApiError> {
    let label = text(request, "Label").ok_or_else(|| missing("Label"))?;
    let (mut policy, statements) = policy(queue);
    let count = statements.len();
    let left: Vec<_> = statements
        .into_iter()
        .filter(|statement| statement.get("Sid").and_then(Value::as_str) != Some(label))
        .collect();
    if left.len() == count {
        return Err(out_of_range("Label", label, "can't find label on existing policy."));
    }
    policy.insert("Statement".to_owned(), Value::Array(left));
    write(queue, &Value::Object(policy))
}

/// The queue's policy, or the one that AWS begins with, and its statements.
fn policy(queue: &Queue) -> (serde_json::Map<String, Value>, Vec<Value>) {
    let told = queue.attributes().told.get("Policy").and_then(|text| serde_json::from_str(text).ok());
    let begun = json!({ "Version": "2012-10-17", "Id": format!("{}/SQSDefaultPolicy", queue.arn()) });
    let mut policy = match told.unwrap_or(begun) {
        Value::Object(policy) => policy,
        _ => serde_json::Map::new(),
    };
    let statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    (policy, statements)
}

fn write(queue: &Queue, policy: &Value) -> Result<Value, ApiError> {
    queue.change_attributes(&BTreeMap::from([("Policy".to_owned(), policy.to_string())]))?;
    Ok(json!({}))
}

fn one_or_all(mut items: Vec<String>) -> Value {
    match items.as_mut_slice() {
        [one] => json!(std::mem::take(one)),
        _ => json!(items),
    }
}
