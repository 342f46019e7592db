//! SNS's actions, in AWS's query protocol.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_Operations.html>

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Publish, Sns, Subscription, invalid, no_such_topic};
use crate::{
    sqs::{MessageAttribute, actions::check_attribute},
    wire::{ApiError, query::Query, xml::Xml},
};

type Answer = Result<Xml, ApiError>;

/// Does one action; answers what stands in its result.
pub(crate) fn run(sns: &Sns, action: &str, query: &Query) -> Answer {
    let needed = |name: &str| query.get(name).ok_or_else(|| invalid(name));
    match action {
        "CreateTopic" => {
            let attributes = query.map("Attributes.entry", "key", "value");
            Ok(Xml::default().text("TopicArn", &sns.create_topic(needed("Name")?, &attributes)?))
        }
        "DeleteTopic" => {
            sns.topics_mut().remove(needed("TopicArn")?);
            Ok(Xml::default())
        }
        "ListTopics" => Ok(Xml::default()
            .element("Topics", |xml| xml.each("member", sns.topics().keys(), |xml, arn| xml.text("TopicArn", arn)))),
        "GetTopicAttributes" => topic_attributes(sns, needed("TopicArn")?),
        "SetTopicAttributes" => {
            let mut topics = sns.topics_mut();
            let topic = topics.get_mut(needed("TopicArn")?).ok_or_else(no_such_topic)?;
            let value = query.get("AttributeValue").unwrap_or_default().to_owned();
            topic.attributes.insert(needed("AttributeName")?.to_owned(), value);
            Ok(Xml::default())
        }
        "Subscribe" => {
            let attributes = query.map("Attributes.entry", "key", "value");
            let (topic, protocol, endpoint) = (needed("TopicArn")?, needed("Protocol")?, needed("Endpoint")?);
            Ok(Xml::default().text("SubscriptionArn", &sns.subscribe(topic, protocol, endpoint, &attributes)?))
        }
        "Unsubscribe" => {
            let arn = needed("SubscriptionArn")?;
            for topic in sns.topics_mut().values_mut() {
                topic.subscriptions.retain(|subscription| subscription.arn != arn);
            }
            Ok(Xml::default())
        }
        "ListSubscriptions" => {
            let all: Vec<_> = sns.topics().values().flat_map(|topic| topic.subscriptions.clone()).collect();
            Ok(subscriptions(all))
        }
        "ListSubscriptionsByTopic" => {
            let topic = sns.topics().get(needed("TopicArn")?).cloned().ok_or_else(no_such_topic)?;
            Ok(subscriptions(topic.subscriptions))
        }
        "GetSubscriptionAttributes" => subscription_attributes(sns, needed("SubscriptionArn")?),
        "SetSubscriptionAttributes" => {
            let value = query.get("AttributeValue").unwrap_or_default().to_owned();
            let change = BTreeMap::from([(needed("AttributeName")?.to_owned(), value)]);
            change_subscription(sns, needed("SubscriptionArn")?, &change)
        }
        "Publish" => {
            let topic = query.get("TopicArn").or_else(|| query.get("TargetArn")).ok_or_else(|| invalid("TopicArn"))?;
            Ok(Xml::default().text("MessageId", &sns.publish(&publish(query, topic, "")?)?))
        }
        "PublishBatch" => publish_batch(sns, query, needed("TopicArn")?),
        "ListTagsForResource" => Ok(Xml::default().element("Tags", |xml| xml)),
        "TagResource" | "UntagResource" => Ok(Xml::default()),
        _ => Err(ApiError::caller("InvalidAction", format!("{action} is not played here"))),
    }
}

fn topic_attributes(sns: &Sns, arn: &str) -> Answer {
    let topic = sns.topics().get(arn).cloned().ok_or_else(no_such_topic)?;
    let mut attributes = topic.attributes;
    attributes.insert("TopicArn".to_owned(), arn.to_owned());
    attributes.insert("Owner".to_owned(), sns.0.account.id.clone());
    attributes.insert("SubscriptionsConfirmed".to_owned(), topic.subscriptions.len().to_string());
    attributes.entry("DisplayName".to_owned()).or_default();
    Ok(entries(&attributes))
}

fn subscription_attributes(sns: &Sns, arn: &str) -> Answer {
    let known = find(sns, arn)?;
    let mut attributes = known.attributes.clone();
    for (name, value) in [
        ("SubscriptionArn", &known.arn),
        ("TopicArn", &known.topic_arn),
        ("Protocol", &known.protocol),
        ("Endpoint", &known.endpoint),
        ("Owner", &sns.0.account.id),
    ] {
        attributes.insert(name.to_owned(), value.clone());
    }
    attributes.insert("PendingConfirmation".to_owned(), "false".to_owned());
    attributes.entry("RawMessageDelivery".to_owned()).or_insert_with(|| "false".to_owned());
    Ok(entries(&attributes))
}

fn change_subscription(sns: &Sns, arn: &str, change: &BTreeMap<String, String>) -> Answer {
    let mut changed = (*find(sns, arn)?).clone();
    changed.set(change)?;
    for known in sns.topics_mut().values_mut().flat_map(|topic| &mut topic.subscriptions) {
        if known.arn == arn {
            *known = Arc::new(changed.clone());
        }
    }
    Ok(Xml::default())
}

fn find(sns: &Sns, arn: &str) -> Result<Arc<Subscription>, ApiError> {
    let topics = sns.topics();
    let known = topics.values().flat_map(|topic| &topic.subscriptions).find(|known| known.arn == arn).cloned();
    known.ok_or_else(|| ApiError { status: 404, ..ApiError::caller("NotFound", "Subscription does not exist") })
}

fn subscriptions(all: Vec<Arc<Subscription>>) -> Xml {
    Xml::default().element("Subscriptions", |xml| {
        xml.each("member", all, |xml, known| {
            xml.text("TopicArn", &known.topic_arn)
                .text("Protocol", &known.protocol)
                .text("SubscriptionArn", &known.arn)
                .text("Owner", known.arn.split(':').nth(4).unwrap_or_default())
                .text("Endpoint", &known.endpoint)
        })
    })
}

fn entries(attributes: &BTreeMap<String, String>) -> Xml {
    Xml::default().element("Attributes", |xml| {
        xml.each("entry", attributes, |xml, (name, value)| xml.text("key", name).text("value", value))
    })
}

/// Reads a message, its parameters under `prefix`.
fn publish(query: &Query, topic_arn: &str, prefix: &str) -> Result<Publish, ApiError> {
    let text = |name: &str| query.get(&format!("{prefix}{name}")).map(str::to_owned);
    if text("MessageStructure").is_some() {
        return Err(invalid("MessageStructure: is not played here"));
    }
    let attributes = query.list(&format!("{prefix}MessageAttributes.entry"), |query, at| {
        let part = |name: &str| query.get(&format!("{at}.{name}")).map(str::to_owned);
        Some((part("Name")?, part("Value.DataType")?, part("Value.StringValue"), part("Value.BinaryValue")))
    });
    let attributes = attributes.into_iter().map(|(name, data_type, text, binary)| {
        let binary = binary.map(|text| STANDARD.decode(text)).transpose();
        let binary = binary.map_err(|_| invalid(&format!("MessageAttributes: {name} is not base64")))?;
        let attribute = MessageAttribute { data_type, text, binary };
        let fits = attribute.data_type == "String.Array" || check_attribute(&name, &attribute).is_ok();
        if fits {
            Ok((name, attribute))
        } else {
            Err(ApiError::caller(
                "ParameterValueInvalid",
                format!("The message attribute '{name}' has no valid value."),
            ))
        }
    });
    Ok(Publish {
        topic_arn: topic_arn.to_owned(),
        message: text("Message").unwrap_or_default(),
        subject: text("Subject"),
        attributes: attributes.collect::<Result<_, _>>()?,
        group_id: text("MessageGroupId"),
        deduplication_id: text("MessageDeduplicationId"),
    })
}

fn publish_batch(sns: &Sns, query: &Query, topic_arn: &str) -> Answer {
    let prefix = "PublishBatchRequestEntries.member";
    let ids = query.list(prefix, |query, at| query.get(&format!("{at}.Id")).map(str::to_owned));
    if ids.is_empty() {
        return Err(ApiError::caller("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if ids.len() > 10 {
        return Err(ApiError::caller(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        ));
    }
    let results: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(at, id)| {
            let entry = publish(query, topic_arn, &format!("{prefix}.{}.", at + 1));
            (id, entry.and_then(|entry| sns.publish(&entry)))
        })
        .collect();
    let done = results.iter().filter_map(|(id, result)| Some((id, result.as_ref().ok()?)));
    let failed = results.iter().filter_map(|(id, result)| Some((id, result.as_ref().err()?)));
    Ok(Xml::default()
        .element("Successful", |xml| {
            xml.each("member", done, |xml, (id, message_id)| xml.text("Id", id).text("MessageId", message_id))
        })
        .element("Failed", |xml| {
            xml.each("member", failed, |xml, (id, error)| {
                xml.text("Id", id).text("Code", error.code).text("Message", &error.message).text("SenderFault", "true")
            })
        }))
}
