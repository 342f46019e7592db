//! Queues, and what a person does with their messages.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Shared};
use crate::sqs::{Lying, MessageAttribute, NewMessage, Queue};

/// So many messages of a queue are shown.
const MOST: usize = 200;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(all(&shared))
}

/// All queues with what they hold.
pub(super) fn all(shared: &Shared) -> Value {
    shared.cloud.services.sqs.all().iter().map(|queue| described(queue)).collect()
}

fn described(queue: &Queue) -> Value {
    let (counts, attributes) = (queue.counts(), queue.attributes());
    json!({
        "name": queue.name(),
        "fifo": queue.is_fifo(),
        "held": queue.is_held(),
        "visible": counts.visible,
        "in_flight": counts.in_flight,
        "delayed": counts.delayed,
        "visibility_seconds": attributes.visibility.as_secs(),
        "gives_up_to": attributes.redrive.map(|redrive| redrive.target.rsplit(':').next().unwrap_or_default().to_owned()),
    })
}

fn find(shared: &Shared, name: &str) -> Result<Arc<Queue>, Refusal> {
    shared.cloud.services.sqs.by_name(name).ok_or_else(|| Refusal::gone("the queue"))
}

/// A queue and its oldest messages.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let queue = find(&shared, &name)?;
    Ok(Json(json!({ "queue": described(&queue), "messages": queue.look(MOST) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    body: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(wanted): Json<Send>,
) -> Result<Json<Value>, Refusal> {
    let queue = find(&shared, &name)?;
    let attributes = wanted.attributes.into_iter();
    let message = NewMessage {
        body: wanted.body,
        attributes: attributes.map(|(name, value)| (name, MessageAttribute::text(value))).collect(),
        group_id: wanted.group,
        deduplication_id: queue.is_fifo().then(|| uuid::Uuid::new_v4().to_string()),
        ..NewMessage::default()
    };
    let sent = queue.send(message).map_err(|error| Refusal::bad(&error))?;
    Ok(Json(json!({ "message_id": sent.message_id })))
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path((name, key)): Path<(String, u64)>,
) -> Result<Json<Value>, Refusal> {
    let there = find(&shared, &name)?.drop_message(key);
    done(there)
}

pub(super) async fn purge(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    find(&shared, &name)?.empty();
    done(true)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    hold: bool,
}

pub(super) async fn hold(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(wanted): Json<Hold>,
) -> Result<Json<Value>, Refusal> {
    find(&shared, &name)?.hold(wanted.hold);
    done(true)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    #[serde(default)]
    body: Option<String>,
}

pub(super) async fn release(
    State(shared): State<Arc<Shared>>,
    Path((name, key)): Path<(String, u64)>,
    Json(wanted): Json<Release>,
) -> Result<Json<Value>, Refusal> {
    if wanted.body.as_ref().is_some_and(String::is_empty) {
        return Err(Refusal::bad(&"a message has a body"));
    }
    let there = find(&shared, &name)?.release(key, wanted.body);
    done(there)
}

/// Tries one message again.
pub(super) async fn redrive(
    State(shared): State<Arc<Shared>>,
    Path((name, key)): Path<(String, u64)>,
) -> Result<Json<Value>, Refusal> {
    let queue = find(&shared, &name)?;
    let message = queue.look(usize::MAX).into_iter().find(|message| message.key == key);
    let message = message.ok_or_else(|| Refusal::gone("the message"))?;
    let to = again(&shared, &queue, &message)?;
    Ok(Json(json!({ "to": to })))
}

/// Tries all messages again; answers how many went where, and how many stay because nobody knows where they came from.
pub(super) async fn redrive_all(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let queue = find(&shared, &name)?;
    let (mut went, mut stay) = (BTreeMap::<String, usize>::new(), 0);
    for message in queue.look(usize::MAX) {
        match again(&shared, &queue, &message) {
            Ok(to) => *went.entry(to).or_default() += 1,
            Err(_) => stay += 1,
        }
    }
    Ok(Json(json!({ "went": went, "stay": stay })))
}

fn again(shared: &Shared, queue: &Queue, message: &Lying) -> Result<String, Refusal> {
    let source = message.source.as_deref().and_then(|arn| arn.rsplit(':').next()).map(str::to_owned);
    let (to, body) = match (shared.redrive)(queue.name(), &message.body) {
        Some((to, body)) => (to, Some(body)),
        None => {
            let unknown = || Refusal::bad(&"no queue gave this message up, so there is none that it could go back to");
            (source.ok_or_else(unknown)?, None)
        }
    };
    let target = find(shared, &to)?;
    if !queue.redrive(message.key, &target, body) {
        return Err(Refusal::gone("the message"));
    }
    Ok(to)
}

fn done(there: bool) -> Result<Json<Value>, Refusal> {
    if there { Ok(Json(json!({}))) } else { Err(Refusal::gone("the message")) }
}
