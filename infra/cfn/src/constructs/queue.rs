//! SQS queues.

use serde_json::json;

use super::{Encryption, Topic};
use crate::{Arn, Handle, Kind, PolicyDocument, Principal, Stack, Statement, Url, Value};

/// A queue, standard or FIFO.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sqs-queue.html>
pub struct Queue {
    /// Its name in the account; a FIFO queue's ends in `.fifo`.
    pub name: String,
    /// Whether messages of a group stay in order, one at a time.
    pub fifo: bool,
    /// How long a received message is hidden, in seconds, at most 43,200: at least six times the timeout of the function
    /// that reads it, so that Lambda can try a throttled batch again before the message comes back.
    pub visibility_seconds: u32,
    /// How messages are encrypted.
    pub encryption: Encryption,
    /// Where messages go that nobody could work on; `None` for a queue that is the end itself.
    pub dead_letter: Option<DeadLetter>,
}

/// Where messages go that were received too often.
pub struct DeadLetter {
    /// A queue of the same kind as its source.
    pub queue: Handle<Queue>,
    /// How often a message may be received before; AWS advises at least 5, because a throttled function counts too.
    pub max_receives: u32,
}

/// How long a queue keeps a message, in seconds: fourteen days, the longest there is. A source keeps it for ten, because
/// a dead-letter queue counts the age from the first queue.
const TERMINAL_RETENTION_SECONDS: u32 = 14 * 24 * 3600;
const RETENTION_SECONDS: u32 = 10 * 24 * 3600;

impl Kind for Queue {
    const TYPE: &'static str = "AWS::SQS::Queue";
    const STATEFUL: bool = true;
}

/// The policy of a queue, which statements can be added to.
pub struct QueuePolicy;

impl Kind for QueuePolicy {
    const TYPE: &'static str = "AWS::SQS::QueuePolicy";
}

impl Handle<Queue> {
    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<Queue>> {
        self.attribute("Arn")
    }

    /// The queue's URL.
    #[must_use]
    pub fn url(&self) -> Value<Url<Queue>> {
        self.reference()
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        self.attribute("QueueName")
    }
}

impl Stack {
    /// Adds a queue that refuses what does not come over TLS.
    pub fn queue(&mut self, id: &str, queue: &Queue) -> Handle<Queue> {
        let (key, managed) = match &queue.encryption {
            Encryption::CustomerKey(key) => (key.arn().json(), json!(null)),
            Encryption::Managed => (json!(null), json!(true)),
        };
        let redrive = queue.dead_letter.as_ref().map(|dead_letter| {
            json!({ "deadLetterTargetArn": dead_letter.queue.arn(), "maxReceiveCount": dead_letter.max_receives })
        });
        let retention = if redrive.is_some() { RETENTION_SECONDS } else { TERMINAL_RETENTION_SECONDS };
        let handle = self.add::<Queue>(
            id,
            json!({
                "QueueName": queue.name,
                "FifoQueue": queue.fifo.then_some(true),
                "VisibilityTimeout": queue.visibility_seconds,
                "MessageRetentionPeriod": retention,
                "KmsMasterKeyId": key,
                "SqsManagedSseEnabled": managed,
                "RedrivePolicy": redrive,
            }),
        );
        let tls_only = Statement::deny(&["sqs:SendMessage", "sqs:ReceiveMessage"])
            .named("TlsOnly")
            .to(Principal::everyone())
            .on(&handle.arn())
            .when("Bool", "aws:SecureTransport", &Value::<String>::literal("false"));
        let policy = json!({ "Queues": [handle.url()], "PolicyDocument": PolicyDocument::of(vec![tls_only]) });
        self.add::<QueuePolicy>(&policy_id(&handle), policy);
        handle
    }

    /// Lets SNS send to the queue on behalf of one topic.
    pub(super) fn let_topic_send(&mut self, queue: &Handle<Queue>, topic: &Handle<Topic>) {
        let statement = Statement::allow(&["sqs:SendMessage"])
            .to(Principal::service("sns.amazonaws.com"))
            .on(&queue.arn())
            .when("ArnEquals", "aws:SourceArn", &topic.arn());
        self.extend_policy(&policy_id(queue), "/PolicyDocument/Statement", &statement);
    }
}

fn policy_id(queue: &Handle<Queue>) -> String {
    format!("{}Policy", queue.id)
}
