//! `Publish` and `PublishBatch`.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Answer;
use crate::{
    sns::{Publish, Published, Sns, invalid, no_such_topic, publish::LONGEST},
    sqs::{MessageAttribute, check},
    wire::{ApiError, query::Query, xml::Xml},
};

/// As many messages a batch may have.
const MOST: usize = 10;

pub(super) fn one(sns: &Sns, query: &Query) -> Answer {
    if query.get("PhoneNumber").is_some() {
        return Err(invalid("PhoneNumber Reason: there is no telephone here"));
    }
    let topic = query.get("TopicArn").or_else(|| query.get("TargetArn"));
    let topic = topic.ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    Ok(published(Xml::default(), &sns.publish(&read(query, topic, "")?)?))
}

pub(super) fn batch(sns: &Sns, query: &Query, topic_arn: &str) -> Answer {
    let prefix = "PublishBatchRequestEntries.member";
    let ids = query.list(prefix, |query, at| query.get(&format!("{at}.Id")).map(str::to_owned));
    let entries = (1..=ids.len()).map(|at| read(query, topic_arn, &format!("{prefix}.{at}.")));
    let entries: Vec<_> = entries.collect();
    check_batch(sns, topic_arn, &ids, &entries)?;
    let results: Vec<_> =
        ids.iter().zip(entries).map(|(id, entry)| (id, entry.and_then(|entry| sns.publish(&entry)))).collect();
    let done = results.iter().filter_map(|(id, result)| Some((id, result.as_ref().ok()?)));
    let failed = results.iter().filter_map(|(id, result)| Some((id, result.as_ref().err()?)));
    Ok(Xml::default()
        .element("Successful", |xml| xml.each("member", done, |xml, (id, done)| published(xml.text("Id", id), done)))
        .element("Failed", |xml| {
            xml.each("member", failed, |xml, (id, error)| {
                xml.text("Id", id).text("Code", error.code).text("Message", &error.message).text("SenderFault", "true")
            })
        }))
}

/// What is wrong with a batch as a whole.
fn check_batch(
    sns: &Sns,
    topic_arn: &str,
    ids: &[String],
    entries: &[Result<Publish, ApiError>],
) -> Result<(), ApiError> {
    let topic = sns.topics().get(topic_arn).cloned().ok_or_else(no_such_topic)?;
    if ids.is_empty() {
        return Err(ApiError::caller("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if ids.len() > MOST {
        let message = "The batch request contains more entries than permissible.";
        return Err(ApiError::caller("TooManyEntriesInBatchRequest", message));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if ids.iter().any(|id| !(1..=80).contains(&id.len()) || !id.bytes().all(plain)) {
        let message = "The Id of a batch entry in the batch request doesn't abide by the specification.";
        return Err(ApiError::caller("InvalidBatchEntryId", message));
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        let message = "Two or more batch entries in the request have the same Id.";
        return Err(ApiError::caller("BatchEntryIdsNotDistinct", message));
    }
    let good = || entries.iter().filter_map(|entry| entry.as_ref().ok());
    let longest = topic.attributes.get("MaximumMessageSize").and_then(|text| text.parse().ok()).unwrap_or(LONGEST);
    if good().map(Publish::size).sum::<usize>() > longest {
        let message = "The length of all the batch messages put together is more than the limit.";
        return Err(ApiError::caller("BatchRequestTooLong", message));
    }
    if topic.is_fifo() && good().any(|entry| entry.group_id.is_none()) {
        return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
    }
    Ok(())
}

fn published(xml: Xml, published: &Published) -> Xml {
    let xml = xml.text("MessageId", &published.message_id);
    match &published.sequence_number {
        Some(number) => xml.text("SequenceNumber", number),
        None => xml,
    }
}

/// Reads a message, its parameters under `prefix`.
fn read(query: &Query, topic_arn: &str, prefix: &str) -> Result<Publish, ApiError> {
    let text = |name: &str| query.get(&format!("{prefix}{name}")).map(str::to_owned);
    let by_protocol = match text("MessageStructure").as_deref() {
        None | Some("") => false,
        Some("json") => true,
        Some(other) => return Err(invalid(&format!("MessageStructure: {other}"))),
    };
    let attributes = query.list(&format!("{prefix}MessageAttributes.entry"), |query, at| {
        let part = |name: &str| query.get(&format!("{at}.{name}")).map(str::to_owned);
        Some((part("Name")?, part("Value.DataType")?, part("Value.StringValue"), part("Value.BinaryValue")))
    });
    let attributes = attributes.into_iter().map(|(name, data_type, text, binary)| {
        let binary = binary.map(|text| STANDARD.decode(text)).transpose();
        let binary = binary.map_err(|_| invalid(&format!("MessageAttributes: {name} is not base64")))?;
        let attribute = MessageAttribute { data_type, text, binary };
        check::attribute(&name, &attribute)
            .map_err(|error| ApiError::caller("ParameterValueInvalid", error.message))?;
        Ok((name, attribute))
    });
    Ok(Publish {
        topic_arn: topic_arn.to_owned(),
        message: text("Message").unwrap_or_default(),
        by_protocol,
        subject: text("Subject"),
        attributes: attributes.collect::<Result<_, _>>()?,
        group_id: text("MessageGroupId"),
        deduplication_id: text("MessageDeduplicationId"),
    })
}
