//! Which messages a queue takes.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use std::time::Duration;

use super::{
    Attributes, MessageAttribute, NewMessage,
    errors::{invalid_value, missing, out_of_range, too_long},
};
use crate::wire::ApiError;

/// As long a message may be delayed.
const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// As many attributes a message may have.
const MOST_ATTRIBUTES: usize = 10;

/// Says what is wrong with a message for such a queue.
pub(super) fn message(message: &NewMessage, fifo: bool, attributes: &Attributes) -> Result<(), ApiError> {
    if message.body.is_empty() {
        return Err(missing("MessageBody"));
    }
    if message.size() > attributes.longest {
        return Err(too_long(attributes.longest));
    }
    if message.body.chars().any(|letter| !is_text(letter)) {
        let text = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to \
                    #xFFFD | #x10000 to #x10FFFF";
        return Err(ApiError::caller("InvalidMessageContents", text));
    }
    if let Some(delay) = message.delay.filter(|delay| *delay > LONGEST_DELAY) {
        return Err(out_of_range("DelaySeconds", delay.as_secs(), "DelaySeconds must be >= 0 and <= 900."));
    }
    if message.attributes.len() > MOST_ATTRIBUTES {
        return Err(invalid_value("Number of message attributes exceeds the allowed maximum 10."));
    }
    for (name, id) in [("MessageGroupId", &message.group_id), ("MessageDeduplicationId", &message.deduplication_id)] {
        id.as_ref().map_or(Ok(()), |id| self::id(name, id))?;
    }
    if fifo { for_fifo(message, attributes) } else { for_standard(message) }
}

/// What a caller calls something by: letters, digits and signs.
pub(super) fn id(name: &str, id: &str) -> Result<(), ApiError> {
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!("{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
    Err(out_of_range(name, id, &reason))
}

fn for_fifo(message: &NewMessage, attributes: &Attributes) -> Result<(), ApiError> {
    needs(message.group_id.as_deref(), message.deduplication_id.as_deref(), attributes)?;
    match message.delay.filter(|delay| !delay.is_zero()) {
        Some(delay) => Err(out_of_range(
            "DelaySeconds",
            delay.as_secs(),
            "The request include parameter that is not valid for this queue type.",
        )),
        None => Ok(()),
    }
}

/// What each message of a FIFO queue must have.
pub(super) fn needs(group: Option<&str>, deduplication: Option<&str>, attributes: &Attributes) -> Result<(), ApiError> {
    if group.is_none() {
        return Err(missing("MessageGroupId"));
    }
    if deduplication.is_none() && !attributes.by_content {
        return Err(invalid_value(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ));
    }
    Ok(())
}

fn for_standard(message: &NewMessage) -> Result<(), ApiError> {
    match &message.deduplication_id {
        Some(id) => Err(out_of_range(
            "MessageDeduplicationId",
            id,
            "The request includes a parameter that is not valid for this queue type.",
        )),
        None => Ok(()),
    }
}

/// What SQS takes as text: what XML 1.0 can hold.
fn is_text(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A name as AWS takes it, a type that there is, and a value of that type that is not empty.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(crate) fn attribute(name: &str, attribute: &MessageAttribute) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(invalid_value(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen \
             (-), and period (.) characters."
        )));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(invalid_value(format!(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.': '{name}'."
        )));
    }
    if name.len() > 256 || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(invalid_value(format!(
            "The message attribute name '{name}' is invalid. It has at most 256 letters, and no period at an end or beside \
             another."
        )));
    }
    let value = |fits: bool, kind: &str| {
        let text = format!(
            "The message attribute '{name}' must contain a non-empty message attribute value for message attribute type '{kind}'."
        );
        if fits { Ok(()) } else { Err(invalid_value(text)) }
    };
    match attribute.data_type.split('.').next().unwrap_or_default() {
        "String" => value(attribute.text.as_ref().is_some_and(|text| !text.is_empty()), "String"),
        "Binary" => value(attribute.binary.as_ref().is_some_and(|bytes| !bytes.is_empty()), "Binary"),
        "Number" => {
            value(attribute.text.as_ref().is_some_and(|text| !text.is_empty()), "Number")?;
            let number = attribute.text.as_ref().is_some_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
            if number {
                return Ok(());
            }
            Err(invalid_value(format!("Can't cast the value of message attribute '{name}' to a number.")))
        }
        _ => Err(invalid_value(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is \
             Binary, Number, and String."
        ))),
    }
}
