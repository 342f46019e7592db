//! The error queues of a stack, and reading what lies in them.
//!
//! SQS has no way to look: who reads a message hides it from everyone else for a while. So what is only looked at is given
//! back at once.

use std::collections::BTreeMap;

use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, Message as SqsMessage, MessageAttributeValue,
        MessageSystemAttributeName, QueueAttributeName,
    },
};
use futures_util::future::try_join_all;
use serde_json::Value as Json;

use super::message::{Back, Message};
use crate::{
    Failure,
    failure::failure,
    resources::{QUEUE, Resources},
    target::Target,
};

/// How long what is looked at is hidden from others, in seconds: as long it stays so when this program is killed.
const HIDDEN_SECONDS: i32 = 60;

/// How long SQS looks for messages on all of its servers before it says that there are none.
const WAIT_SECONDS: i32 = 1;

/// The most that SQS gives out, or changes, at once.
const BATCH: i32 = 10;

/// A queue that others give up to.
#[derive(Debug)]
pub(crate) struct ErrorQueue {
    pub(crate) url: String,
    /// Without the stack's name.
    pub(crate) name: String,
    /// How many messages wait to be read.
    pub(crate) waiting: u64,
    /// How many somebody reads just now.
    pub(crate) hidden: u64,
    /// The queues that give up to it.
    pub(crate) sources: Vec<Source>,
}

/// A queue that messages go back to.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) url: String,
    arn: String,
    pub(crate) name: String,
}

impl ErrorQueue {
    /// Where a message goes back to: the queue that gave it up, as SQS says, or the only one that it can be.
    ///
    /// # Errors
    /// When it could be several.
    pub(crate) fn origin(&self, back: &Back) -> Result<&Source, Failure> {
        let given_up = back.from.as_ref().and_then(|arn| self.sources.iter().find(|source| source.arn == *arn));
        match (given_up, self.sources.as_slice()) {
            (Some(source), _) | (None, [source]) => Ok(source),
            (None, sources) => {
                let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
                let message =
                    format!("a message in {} can be from {}, and does not say which", self.name, names.join(" or "));
                Err(Failure::new(message, "send it there by `aws sqs send-message`, then drop it here"))
            }
        }
    }
}

/// The queues of the stack that others of the stack give up to.
///
/// # Errors
/// When SQS does not tell about them.
pub(crate) async fn find(target: &Target, resources: &Resources) -> Result<Vec<ErrorQueue>, Failure> {
    let client = target.aws.sqs();
    let all = try_join_all(resources.of(QUEUE).map(|queue| describe(&client, &queue.physical, resources))).await?;
    let gives_up_to = |other: &Described, queue: &Described| other.redrives_to.as_ref() == Some(&queue.source.arn);
    let found = all.iter().filter_map(|queue| {
        let sources: Vec<_> =
            all.iter().filter(|other| gives_up_to(other, queue)).map(|other| other.source.clone()).collect();
        let Described { source: Source { url, name, .. }, waiting, hidden, .. } = queue;
        let (url, name, waiting, hidden) = (url.clone(), name.clone(), *waiting, *hidden);
        (!sources.is_empty()).then_some(ErrorQueue { url, name, waiting, hidden, sources })
    });
    Ok(found.collect())
}

struct Described {
    source: Source,
    redrives_to: Option<String>,
    waiting: u64,
    hidden: u64,
}

async fn describe(client: &Client, url: &str, resources: &Resources) -> Result<Described, Failure> {
    let answer = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await;
    let name = resources.short(url).to_owned();
    let answer = answer.map_err(|error| failure(&error, &format!("cannot read about the queue {name}")))?;
    let text = |name: QueueAttributeName| answer.attributes()?.get(&name).cloned();
    let number = |name| text(name).and_then(|number| number.parse().ok()).unwrap_or_default();
    let redrive: Option<Json> =
        text(QueueAttributeName::RedrivePolicy).and_then(|text| serde_json::from_str(&text).ok());
    let redrives_to = redrive.and_then(|policy| policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned));
    let arn = text(QueueAttributeName::QueueArn).unwrap_or_default();
    Ok(Described {
        source: Source { url: url.to_owned(), arn, name },
        redrives_to,
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
        hidden: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
    })
}

/// Reads a queue to its end. What is kept is hidden until [`Reader::give_back`].
pub(crate) struct Reader<'a> {
    client: Client,
    queue: &'a ErrorQueue,
    /// Receipts by the message's id.
    kept: BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(target: &Target, queue: &'a ErrorQueue) -> Self {
        Self { client: target.aws.sqs(), queue, kept: BTreeMap::new() }
    }

    /// The next messages, ten at most; none at the end. Of a message group of a FIFO queue, SQS gives out no more while
    /// some are being read.
    ///
    /// # Errors
    /// When SQS does not give them out.
    pub(crate) async fn next(&mut self) -> Result<Vec<Message>, Failure> {
        let request = self.client.receive_message().queue_url(&self.queue.url).visibility_timeout(HIDDEN_SECONDS);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT_SECONDS);
        let request = request.message_attribute_names("All");
        let answer = request.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        let answer = answer.map_err(|error| failure(&error, &format!("cannot read the queue {}", self.queue.name)))?;
        let read: Vec<_> = answer.messages().iter().map(message).collect();
        // Whoever reads for longer than messages are hidden sees the first again.
        let again = read.iter().any(|message| self.kept.contains_key(&message.id));
        self.kept.extend(read.iter().map(|message| (message.id.clone(), message.receipt.clone())));
        Ok(if again { Vec::new() } else { read })
    }

    /// Removes a message.
    ///
    /// # Errors
    /// When SQS does not.
    pub(crate) async fn remove(&mut self, message: &Message) -> Result<(), Failure> {
        let request = self.client.delete_message().queue_url(&self.queue.url).receipt_handle(&message.receipt);
        let doing = format!("cannot remove {} from {}", message.id, self.queue.name);
        request.send().await.map_err(|error| failure(&error, &doing))?;
        self.kept.remove(&message.id);
        Ok(())
    }

    /// Sends what is in a message to the queue that it came from, and removes it.
    ///
    /// # Errors
    /// When SQS does not take it, or does not remove it: then it is in both, which is harmless where work is done once.
    pub(crate) async fn send_back(&mut self, message: &Message, back: &Back, to: &Source) -> Result<(), Failure> {
        let doing = format!("cannot send {} back to {}", message.id, to.name);
        let mut request = self.client.send_message().queue_url(&to.url).message_body(&back.body);
        for (name, value) in &back.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| Failure::new(format!("{doing}: {error}"), "this should not happen"))?;
            request = request.message_attributes(name, value);
        }
        if let Some(group) = &back.group {
            // Its own id: sending it twice, because the answer was lost, is once; and it is no repeat of what it was before.
            request = request.message_group_id(group).message_deduplication_id(&message.id);
        }
        request.send().await.map_err(|error| failure(&error, &doing))?;
        self.remove(message).await
    }

    /// Gives back what was read and is still there, so that others see it.
    ///
    /// # Errors
    /// When SQS does not; then others see it a minute later.
    pub(crate) async fn give_back(self) -> Result<(), Failure> {
        let receipts: Vec<_> = self.kept.into_values().collect();
        for chunk in receipts.chunks(BATCH.unsigned_abs() as usize) {
            let entries = chunk.iter().enumerate().map(|(at, receipt)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
                entry.receipt_handle(receipt).visibility_timeout(0).build()
            });
            let entries: Result<Vec<_>, _> = entries.collect();
            let entries = entries.map_err(|error| Failure::new(error.to_string(), "this should not happen"))?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.queue.url);
            let doing = format!("cannot give back what was read from {}", self.queue.name);
            request.set_entries(Some(entries)).send().await.map_err(|error| failure(&error, &doing))?;
        }
        Ok(())
    }
}

fn message(message: &SqsMessage) -> Message {
    let attributes = message.message_attributes().into_iter().flatten();
    let attributes = attributes.filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())));
    let system = message.attributes().into_iter().flatten();
    Message {
        id: message.message_id().unwrap_or_default().to_owned(),
        body: message.body().unwrap_or_default().to_owned(),
        attributes: attributes.collect(),
        system: system.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect(),
        receipt: message.receipt_handle().unwrap_or_default().to_owned(),
    }
}
