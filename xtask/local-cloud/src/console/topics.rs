//! Topics and alarms.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Shared};
use crate::{alarms::Told, sns::Publish, sqs::MessageAttribute};

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let topics = shared.cloud.services.sns.subscribed().into_iter();
    let topics = topics.map(|(arn, subscriptions)| {
        let name = arn.rsplit(':').next().unwrap_or_default();
        let subscriptions = subscriptions.iter();
        let subscriptions =
            subscriptions.map(|(protocol, endpoint)| json!({ "protocol": protocol, "endpoint": endpoint }));
        json!({ "name": name, "arn": arn, "subscriptions": subscriptions.collect::<Vec<_>>() })
    });
    Json(Value::Array(topics.collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    message: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    group: Option<String>,
}

pub(super) async fn publish(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(wanted): Json<Message>,
) -> Result<Json<Value>, Refusal> {
    let services = &shared.cloud.services;
    let attributes = wanted.attributes.into_iter();
    let publish = Publish {
        topic_arn: services.account.arn("sns", &name),
        message: wanted.message,
        attributes: attributes.map(|(name, value)| (name, MessageAttribute::text(value))).collect(),
        deduplication_id: wanted.group.as_ref().map(|_| uuid::Uuid::new_v4().to_string()),
        group_id: wanted.group,
        ..Publish::default()
    };
    let published = services.sns.publish(&publish).map_err(|error| Refusal::bad(&error))?;
    Ok(Json(json!({ "message_id": published.message_id })))
}

pub(super) async fn alarms(State(shared): State<Arc<Shared>>) -> Json<Vec<Told>> {
    Json(shared.cloud.services.control.alarms.told())
}
