//! What a message in an error queue says about itself: why it is there, and what goes back.

use std::collections::BTreeMap;

use contract::event::{Envelope, Rejected, attribute};
use serde::Serialize;
use serde_json::Value as Json;

/// What SNS writes beside a message that it could not deliver.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html>
const SNS_ERROR: [&str; 3] = ["ErrorCode", "ErrorMessage", "RequestID"];

/// The longest id or type that is shown; PayPal's are far shorter.
const LONGEST_WORD: usize = 64;

/// A message as SQS hands it out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// SQS's id of the message.
    pub(crate) id: String,
    pub(crate) body: String,
    /// What its sender wrote beside the body.
    pub(crate) attributes: BTreeMap<String, String>,
    /// What SQS knows of it: `SentTimestamp`, `MessageGroupId`, ...
    pub(crate) system: BTreeMap<String, String>,
    pub(crate) receipt: String,
}

/// An event that failed. This is what `--format json` prints; fields are added, never changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// SQS's id of the message.
    pub(crate) id: String,
    /// The error queue, without the stack's name.
    pub(crate) queue: String,
    /// A word: the function's, such as `wrong_signature`, or `given_up_by_sqs`, `not_delivered_by_sns`, `not_said`.
    pub(crate) reason: String,
    /// A sentence.
    pub(crate) detail: String,
    /// PayPal's id of the event, as the event has it.
    pub(crate) event_id: Option<String>,
    /// PayPal's type of the event, as the event has it.
    pub(crate) event_type: Option<String>,
    /// When PayPal delivered it, RFC 3339.
    pub(crate) received_at: Option<String>,
    /// When it came into the error queue, RFC 3339.
    pub(crate) failed_at: Option<String>,
}

/// A message read.
pub(crate) struct Reading {
    pub(crate) entry: Entry,
    /// The delivery, where it could be read.
    pub(crate) envelope: Option<Envelope>,
    /// What the queue that it came from gets back.
    pub(crate) back: Back,
}

/// What goes back to where a message came from: what was there before it was rejected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The ARN of the queue that gave it up, where SQS did that.
    pub(crate) from: Option<String>,
    /// The message group, of a FIFO queue.
    pub(crate) group: Option<String>,
}

impl Back {
    /// Size of its entry in a batch, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + value.len() + "String".len());
        self.body.len() + attributes.sum::<usize>()
    }
}

/// Reads a message of the error queue of this name.
pub(crate) fn read(message: &Message, queue: &str) -> Reading {
    let rejected = serde_json::from_str::<Rejected>(&message.body).ok();
    let from = message.system.get("DeadLetterQueueSourceArn").cloned();
    let (reason, detail, envelope, body) = match rejected {
        Some(rejected) => {
            let whole = rejected.envelope.as_ref().and_then(|envelope| serde_json::to_string(envelope).ok());
            let body = whole.or(rejected.unreadable).unwrap_or_else(|| message.body.clone());
            (rejected.reason, rejected.detail, rejected.envelope, body)
        }
        None => {
            let (reason, detail) = unsaid(message, from.is_some());
            let envelope = serde_json::from_str::<Envelope>(&message.body).ok();
            (reason.to_owned(), detail, envelope, message.body.clone())
        }
    };
    let event: Option<Json> = envelope.as_ref().and_then(|envelope| serde_json::from_slice(&envelope.body).ok());
    let word = |attribute: &str, member: &str| {
        let own = message.attributes.get(attribute).map(String::as_str);
        let own = own.or_else(|| event.as_ref()?.get(member)?.as_str());
        own.filter(|text| is_word(text)).map(str::to_owned)
    };
    let sent = message.system.get("SentTimestamp").and_then(|sent| sent.parse().ok());
    let entry = Entry {
        id: message.id.clone(),
        queue: queue.to_owned(),
        reason,
        detail,
        event_id: word(attribute::EVENT_ID, "id"),
        event_type: word(attribute::EVENT_TYPE, "event_type"),
        received_at: envelope.as_ref().map(|envelope| envelope.received_at.clone()),
        failed_at: sent.and_then(|sent| jiff::Timestamp::from_millisecond(sent).ok()).map(|at| at.to_string()),
    };
    let kept = |name: &&String| name.as_str() != attribute::REASON && !SNS_ERROR.contains(&name.as_str());
    let attributes = message.attributes.iter().filter(|(name, _)| kept(name));
    let back = Back {
        body,
        attributes: attributes.map(|(name, value)| (name.clone(), value.clone())).collect(),
        from,
        group: message.system.get("MessageGroupId").cloned(),
    };
    Reading { entry, envelope, back }
}

/// Why a message is there that no function rejected.
fn unsaid(message: &Message, given_up: bool) -> (&'static str, String) {
    if let Some(said) = message.attributes.get("ErrorMessage") {
        return ("not_delivered_by_sns", format!("SNS could not deliver it: {said}"));
    }
    if given_up {
        return ("given_up_by_sqs", "it was received as often as the queue allows, and never finished".to_owned());
    }
    ("not_said", "the message does not say why it is here".to_owned())
}

/// An id or a type, and not somebody's text in its place: what is forged can hold anything.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_WORD
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use contract::event::SignatureHeaders;
    use proptest::prelude::*;

    use super::*;

    fn envelope(body: &str) -> Envelope {
        let headers = SignatureHeaders {
            transmission_id: "t".to_owned(),
            transmission_time: String::new(),
            transmission_sig: String::new(),
            cert_url: String::new(),
            auth_algo: String::new(),
        };
        Envelope { received_at: "2026-11-01T00:00:00Z".to_owned(), headers, body: body.into() }
    }

    fn message(body: String, attributes: &[(&str, &str)], system: &[(&str, &str)]) -> Message {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (attributes, system) = (owned(attributes), owned(system));
        Message { id: "m".to_owned(), body, attributes, system, receipt: String::new() }
    }

    const EVENT: &str = r#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED","resource":{}}"#;

    #[test]
    fn what_a_function_rejected_goes_back_as_it_was_before() {
        let (reason, detail) = ("wrong_signature".to_owned(), "no".to_owned());
        let rejected = Rejected { reason, detail, envelope: Some(envelope(EVENT)), unreadable: None };
        let attributes = [("reason", "wrong_signature"), ("received_at", "2026-11-01T00:00:00Z")];
        let body = serde_json::to_string(&rejected).unwrap();
        let read = read(&message(body, &attributes, &[("SentTimestamp", "1793491200000")]), "errors");
        assert_eq!(read.entry.reason, "wrong_signature");
        assert_eq!(read.entry.event_id.as_deref(), Some("WH-1"));
        assert_eq!(read.entry.event_type.as_deref(), Some("PAYMENT.SALE.COMPLETED"));
        assert_eq!(read.entry.failed_at.as_deref(), Some("2026-11-01T00:00:00Z"));
        assert_eq!(read.back.body, serde_json::to_string(&envelope(EVENT)).unwrap());
        assert_eq!(read.back.attributes.keys().collect::<Vec<_>>(), ["received_at"]);
    }

    #[test]
    fn what_sqs_gave_up_goes_back_whole_to_the_queue_that_gave_it_up() {
        let body = serde_json::to_string(&envelope(EVENT)).unwrap();
        let system = [("DeadLetterQueueSourceArn", "arn:q"), ("MessageGroupId", "I-1")];
        let read = read(&message(body.clone(), &[("event_id", "WH-1")], &system), "errors.fifo");
        assert_eq!(read.entry.reason, "given_up_by_sqs");
        let attributes = BTreeMap::from([("event_id".to_owned(), "WH-1".to_owned())]);
        let (from, group) = (Some("arn:q".to_owned()), Some("I-1".to_owned()));
        assert_eq!(read.back, Back { body, attributes, from, group });
    }

    #[test]
    fn what_sns_could_not_deliver_says_so() {
        let attributes = [("ErrorCode", "400"), ("ErrorMessage", "no such queue"), ("RequestID", "1")];
        let read = read(&message("text".to_owned(), &attributes, &[]), "errors");
        assert_eq!(read.entry.reason, "not_delivered_by_sns");
        assert_eq!(read.entry.detail, "SNS could not deliver it: no such queue");
        assert!(read.back.attributes.is_empty() && read.back.body == "text");
    }

    #[test]
    fn what_stands_in_the_place_of_an_id_is_not_shown() {
        let event = r#"{"id":"ann@example.com","event_type":"\u001b[31m"}"#;
        let read = read(&message(serde_json::to_string(&envelope(event)).unwrap(), &[], &[]), "errors");
        assert_eq!((read.entry.event_id, read.entry.event_type), (None, None));
        assert_eq!(read.entry.reason, "not_said");
    }

    proptest! {
        #[test]
        fn body_that_nobody_knows_goes_back_as_it_is(body in ".*", sent in "[0-9]{0,20}|.*") {
            let read = read(&message(body.clone(), &[("reason", &body)], &[("SentTimestamp", &sent)]), "errors");
            prop_assert_eq!(read.back, Back { body, attributes: BTreeMap::new(), from: None, group: None });
            prop_assert_eq!(read.entry.reason, "not_said");
            let is_time = sent.parse().is_ok_and(|sent| jiff::Timestamp::from_millisecond(sent).is_ok());
            prop_assert_eq!(read.entry.failed_at.is_some(), is_time);
        }

        #[test]
        fn id_of_an_event_is_shown_only_where_it_is_a_word(id in "[A-Z0-9-]{1,70}|.*") {
            let event = serde_json::json!({ "id": id }).to_string();
            let shown = read(&message(serde_json::to_string(&envelope(&event)).unwrap(), &[], &[]), "errors").entry.event_id;
            let letters = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            let is_word = (1..=64).contains(&id.len()) && id.chars().all(letters);
            prop_assert_eq!(shown, is_word.then_some(id));
        }
    }
}
