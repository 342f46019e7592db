//! The error queues of a stack, and reading what lies in them.
//!
//! SQS has no way to look: who reads a message hides it from everyone else for a while. So what is only looked at is given
//! back at once.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::{
    Client,
    error::BuildError,
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        Message as SqsMessage, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
        SendMessageBatchRequestEntry,
    },
};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{try_join, try_join_all},
};
use serde_json::Value as Json;

use super::message::{Back, Message};
use crate::{
    Failure,
    failure::failure,
    resources::{QUEUE, Resources},
    target::Target,
};

/// Visibility timeout of messages that are read, in seconds: long enough to read 100,000 messages, and so long they stay
/// hidden when this program is killed.
const HIDDEN_SECONDS: i32 = 300;

/// Receives that are in progress at the same time: one after the other, 10,000 of them would take minutes.
const PARALLEL: usize = 16;

/// The most bytes of messages in one batch. SQS accepts a mebibyte in some regions and a quarter of it in others.
const BATCH_BYTES: usize = 200_000;

/// How long SQS looks for messages on all of its servers before it says that there are none.
const WAIT_SECONDS: i32 = 1;

/// The most that SQS gives out, or changes, at once.
const BATCH: usize = 10;
const BATCH_LIMIT: i32 = 10;

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
    described(url, name, answer.attributes())
}

/// What SQS says about a queue. Without a number there is no count, and without a policy's target no error queue: neither is
/// the same as none.
fn described(
    url: &str,
    name: String,
    attributes: Option<&HashMap<QueueAttributeName, String>>,
) -> Result<Described, Failure> {
    let text = |attribute: &QueueAttributeName| attributes?.get(attribute);
    let wrong = |attribute: QueueAttributeName| unreadable(&name, attribute.as_str());
    let number = |attribute: QueueAttributeName| {
        text(&attribute).and_then(|number| number.parse().ok()).ok_or_else(|| wrong(attribute))
    };
    let target = |policy: &String| {
        let policy: Json = serde_json::from_str(policy).ok()?;
        policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned)
    };
    let redrives_to = text(&QueueAttributeName::RedrivePolicy)
        .map(|policy| target(policy).ok_or_else(|| wrong(QueueAttributeName::RedrivePolicy)));
    let arn = text(&QueueAttributeName::QueueArn).cloned().ok_or_else(|| wrong(QueueAttributeName::QueueArn))?;
    Ok(Described {
        redrives_to: redrives_to.transpose()?,
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages)?,
        hidden: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
        source: Source { url: url.to_owned(), arn, name },
    })
}

fn unreadable(queue: &str, what: &str) -> Failure {
    let help = "run the command again; with --endpoint-url, check that SQS answers there";
    Failure::new(format!("cannot read about the queue {queue}: SQS returned no valid {what}"), help)
}

/// The queue of webhooks that are not PayPal's. No queue gives up to it: `webhook-verify` sends there what came from
/// `unverified`, and it goes back to that.
///
/// # Errors
/// When the stack has no such queue, or SQS does not tell about it.
pub(crate) async fn forged(target: &Target, resources: &Resources) -> Result<ErrorQueue, Failure> {
    let client = target.aws.sqs();
    let forged = resources.find(QUEUE, "queue", contract::event::queue::FORGED)?;
    let origin = resources.find(QUEUE, "queue", contract::event::queue::UNVERIFIED)?;
    let (forged, origin) =
        try_join(describe(&client, &forged.physical, resources), describe(&client, &origin.physical, resources))
            .await?;
    let Described { source: Source { url, name, .. }, waiting, hidden, .. } = forged;
    Ok(ErrorQueue { url, name, waiting, hidden, sources: vec![origin.source] })
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

    /// The next messages, about `wanted` at most; none at the end. Of a message group of a FIFO queue, SQS gives out no more
    /// while some are being read.
    ///
    /// # Errors
    /// When SQS does not give them out.
    pub(crate) async fn next(&mut self, wanted: usize) -> Result<Vec<Message>, Failure> {
        let receives = wanted.div_ceil(BATCH).clamp(1, PARALLEL);
        let reads = try_join_all((0..receives).map(|_| self.receive())).await?;
        let mut read: Vec<_> = reads.into_iter().flatten().collect();
        // A reader that takes longer than the visibility timeout receives the first messages again. Its receipt is the newer one.
        let known = |message: &Message| self.kept.contains_key(&message.id);
        let again: Vec<_> = read.extract_if(.., |message| known(message)).collect();
        self.kept.extend(again.into_iter().chain(read.iter().cloned()).map(|message| (message.id, message.receipt)));
        Ok(read)
    }

    async fn receive(&self) -> Result<Vec<Message>, Failure> {
        let request = self.client.receive_message().queue_url(&self.queue.url).visibility_timeout(HIDDEN_SECONDS);
        let request = request.max_number_of_messages(BATCH_LIMIT).wait_time_seconds(WAIT_SECONDS);
        let request = request.message_attribute_names("All");
        let answer = request.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        let answer = answer.map_err(|error| failure(&error, &format!("cannot read the queue {}", self.queue.name)))?;
        answer.messages().iter().map(|read| message(read, &self.queue.name)).collect()
    }

    /// Removes messages.
    ///
    /// # Errors
    /// When SQS does not remove one of them.
    pub(crate) async fn remove(&mut self, messages: &[&Message]) -> Result<(), Failure> {
        let doing = format!("cannot remove messages from {}", self.queue.name);
        let batches = messages.chunks(BATCH).map(async |chunk| {
            let entries = chunk.iter().enumerate().map(|(at, message)| {
                DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(&message.receipt).build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| unbuilt(&doing, &error))?;
            let request = self.client.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries));
            let answer = request.send().await.map_err(|error| failure(&error, &doing))?;
            refused(&doing, answer.failed())
        });
        in_parallel(batches).await?;
        messages.iter().for_each(|message| drop(self.kept.remove(&message.id)));
        Ok(())
    }

    /// Sends what is in messages to the queue that they came from, and removes them.
    ///
    /// # Errors
    /// When SQS does not take one, or does not remove it: then it is in both, which is harmless where work is done once.
    pub(crate) async fn send_back(&mut self, messages: &[(&Message, &Back)], to: &Source) -> Result<(), Failure> {
        let doing = format!("cannot send messages back to {}", to.name);
        let mut batches: Vec<Vec<&(&Message, &Back)>> = Vec::new();
        let mut bytes = 0;
        for each in messages {
            bytes += each.1.bytes();
            match batches.last_mut().filter(|batch| batch.len() < BATCH && bytes <= BATCH_BYTES) {
                Some(batch) => batch.push(each),
                None => {
                    bytes = each.1.bytes();
                    batches.push(vec![each]);
                }
            }
        }
        let sends = batches.into_iter().map(async |batch| {
            let entries = batch.iter().enumerate().map(|(at, (message, back))| entry(at, message, back));
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| unbuilt(&doing, &error))?;
            let request = self.client.send_message_batch().queue_url(&to.url).set_entries(Some(entries));
            let answer = request.send().await.map_err(|error| failure(&error, &doing))?;
            refused(&doing, answer.failed())
        });
        // The messages of a group stay in their order.
        if to.name.ends_with(".fifo") {
            for send in sends {
                send.await?;
            }
        } else {
            in_parallel(sends).await?;
        }
        self.remove(&messages.iter().map(|(message, _)| *message).collect::<Vec<_>>()).await
    }

    /// Gives back what was read and still exists, so that others see it.
    ///
    /// # Errors
    /// When SQS does not; then others see it minutes later.
    pub(crate) async fn give_back(self) -> Result<(), Failure> {
        let receipts: Vec<_> = self.kept.into_values().collect();
        let doing = format!("cannot give back what was read from {}", self.queue.name);
        let batches = receipts.chunks(BATCH).map(async |chunk| {
            let entries = chunk.iter().enumerate().map(|(at, receipt)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
                entry.receipt_handle(receipt).visibility_timeout(0).build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| unbuilt(&doing, &error))?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.queue.url);
            request.set_entries(Some(entries)).send().await.map(drop).map_err(|error| failure(&error, &doing))
        });
        in_parallel(batches).await
    }
}

fn entry(at: usize, message: &Message, back: &Back) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(&back.body);
    for (name, value) in &back.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
        entry = entry.message_attributes(name, value);
    }
    if let Some(group) = &back.group {
        // Its own id: sending it twice, because the answer was lost, is once; and it is no repeat of what it was before.
        entry = entry.message_group_id(group).message_deduplication_id(&message.id);
    }
    entry.build()
}

/// Runs calls, some of them at the same time.
async fn in_parallel<F>(calls: impl Iterator<Item = F>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    futures_util::stream::iter(calls).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await.map(drop)
}

/// Entries of a batch that SQS refused.
fn refused(doing: &str, failed: &[BatchResultErrorEntry]) -> Result<(), Failure> {
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            let message = format!("{doing}: {} of a batch: {}", failed.len(), first.message().unwrap_or(first.code()));
            Err(Failure::new(message, "run the command again; what was done already is not done twice"))
        }
    }
}

fn unbuilt(doing: &str, error: &BuildError) -> Failure {
    Failure::new(format!("{doing}: {error}"), "this should not happen")
}

fn message(message: &SqsMessage, queue: &str) -> Result<Message, Failure> {
    let needed = |value: Option<&str>, what| value.map(str::to_owned).ok_or_else(|| unreadable(queue, what));
    let attributes = message.message_attributes().into_iter().flatten();
    let attributes = attributes.filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())));
    let system = message.attributes().into_iter().flatten();
    Ok(Message {
        id: needed(message.message_id(), "MessageId")?,
        body: needed(message.body(), "Body")?,
        attributes: attributes.collect(),
        system: system.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect(),
        receipt: needed(message.receipt_handle(), "ReceiptHandle")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_without_a_valid_count_or_policy_is_an_error_and_not_an_empty_queue() {
        let fine = [
            (QueueAttributeName::QueueArn, "arn:aws:sqs:eu-west-1:1:q"),
            (QueueAttributeName::ApproximateNumberOfMessages, "7"),
            (QueueAttributeName::ApproximateNumberOfMessagesNotVisible, "1"),
            (QueueAttributeName::RedrivePolicy, r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:e"}"#),
        ];
        let all: HashMap<_, _> = fine.clone().map(|(name, value)| (name, value.to_owned())).into();
        let read = |all: &HashMap<_, _>| described("url", "q".to_owned(), Some(all));
        let queue = read(&all).ok().unwrap();
        assert_eq!(
            (queue.waiting, queue.hidden, queue.redrives_to.as_deref()),
            (7, 1, Some("arn:aws:sqs:eu-west-1:1:e"))
        );
        for (name, _) in fine {
            let mut wrong = all.clone();
            wrong.insert(name.clone(), "x".to_owned());
            // Any text can be an ARN.
            if name != QueueAttributeName::QueueArn {
                let said = read(&wrong).err().unwrap().to_string();
                assert!(said.contains(name.as_str()), "{said}");
            }
            let mut without = all.clone();
            without.remove(&name);
            assert_eq!(read(&without).is_ok(), name == QueueAttributeName::RedrivePolicy, "{name}");
        }
        assert!(described("url", "q".to_owned(), None).is_err());
    }

    #[test]
    fn message_without_an_id_or_a_body_is_an_error_and_not_an_empty_message() {
        let whole = SqsMessage::builder().message_id("m-1").body("b").receipt_handle("r");
        assert!(message(&whole.clone().build(), "errors").is_ok());
        for partial in
            [whole.clone().set_body(None), whole.clone().set_message_id(None), whole.set_receipt_handle(None)]
        {
            assert!(message(&partial.build(), "errors").is_err());
        }
    }
}
