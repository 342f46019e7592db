//! SQS queues.

use super::{Construct, Encryption, Topic, Transport, key::MANAGED};
use crate::{
    Arn, Handle, Name, PolicyDocument, Principal, Stack, Statement, Url, Value,
    resources::sqs::{self, queue::RedrivePolicy},
};

/// A queue, standard or FIFO.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html>
pub struct Queue {
    /// Its name in the account. One that ends in `.fifo` is a FIFO queue: messages of a group stay in order, one at a time.
    pub name: String,
    /// How long a received message is hidden, in seconds, at most 43,200. Without it, six times the timeout of the
    /// function that the queue feeds, or SQS's 30 seconds where it feeds none.
    pub visibility_seconds: Option<u32>,
    /// How long a message is kept, in seconds, 60 to 1,209,600.
    pub retention_seconds: u32,
    /// How messages are encrypted.
    pub encryption: Encryption,
    /// How messages may come in and go out.
    pub transport: Transport,
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

/// Fourteen days, the longest there is.
const TERMINAL_RETENTION_SECONDS: u32 = 14 * 24 * 3600;
/// Ten days. A dead-letter queue counts a message's age from its first queue: with as long a time as the last queue's,
/// a message could vanish as soon as it gets there.
const RETENTION_SECONDS: u32 = 10 * 24 * 3600;

impl Construct for Queue {
    type Resource = sqs::Queue;
}

impl Queue {
    /// A queue that is an end: people look into it.
    #[must_use]
    pub fn terminal(name: String, encryption: Encryption) -> Self {
        Self {
            name,
            // SQS's own default: long enough to look at a message, short enough to look again.
            visibility_seconds: Some(30),
            retention_seconds: TERMINAL_RETENTION_SECONDS,
            encryption,
            transport: Transport::TlsOnly,
            dead_letter: None,
        }
    }

    /// A queue that messages pass through, and that gives up to another.
    #[must_use]
    pub fn new(name: String, encryption: Encryption, dead_letter: DeadLetter) -> Self {
        Self {
            name,
            visibility_seconds: None,
            retention_seconds: RETENTION_SECONDS,
            encryption,
            // AWS's own clients speak nothing else.
            transport: Transport::TlsOnly,
            dead_letter: Some(dead_letter),
        }
    }
}

impl Handle<Queue> {
    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<sqs::Queue>> {
        self.resource().arn()
    }

    /// The queue's URL.
    #[must_use]
    pub fn url(&self) -> Value<Url<sqs::Queue>> {
        self.resource().url()
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> Value<Name<sqs::Queue>> {
        self.resource().name()
    }
}

impl Stack {
    /// Adds a queue, and a policy `<id>Policy` that says who may use it how.
    #[track_caller]
    pub fn queue(&mut self, id: &str, queue: &Queue) -> Handle<Queue> {
        let managed = matches!(queue.encryption, Encryption::Managed);
        let redrive = queue.dead_letter.as_ref().map(|dead_letter| RedrivePolicy {
            dead_letter_target_arn: dead_letter.queue.arn(),
            max_receive_count: dead_letter.max_receives.into(),
        });
        let properties = sqs::Queue {
            queue_name: Some(queue.name.clone().into()),
            fifo_queue: queue.name.ends_with(".fifo").then(|| true.into()),
            visibility_timeout: queue.visibility_seconds.map(Into::into),
            message_retention_period: Some(queue.retention_seconds.into()),
            kms_master_key_id: queue.encryption.key_reference(),
            sqs_managed_sse_enabled: managed.then(|| true.into()),
            redrive_policy: redrive.map(Into::into),
            ..sqs::Queue::default()
        };
        let handle: Handle<Queue> = self.add(id, properties).seen_as();
        if managed {
            self.waive(&handle, "CKV_AWS_27", MANAGED);
        }
        let moved = &["sqs:SendMessage", "sqs:ReceiveMessage"];
        if let Some(refused) = queue.transport.statement(moved, &handle.arn()) {
            self.queue_policy(&handle, refused);
        }
        handle
    }

    /// Adds a statement to the queue's policy, and the policy with its first one: AWS refuses a policy that says nothing.
    #[track_caller]
    fn queue_policy(&mut self, queue: &Handle<Queue>, statement: Statement) {
        let id = format!("{}Policy", queue.id);
        if self.has(&id) {
            return self.extend_policy(&id, "/PolicyDocument/Statement", &statement);
        }
        let policy = PolicyDocument::of(vec![statement]).into();
        self.add(&id, sqs::QueuePolicy { policy_document: policy, queues: [queue.url()].into() });
    }

    /// Lets SNS send to the queue on behalf of one topic.
    pub(super) fn let_topic_send(&mut self, queue: &Handle<Queue>, topic: &Handle<Topic>) {
        let statement = Statement::allow(&["sqs:SendMessage"])
            .to(Principal::service("sns.amazonaws.com"))
            .on(&queue.arn())
            .when("ArnEquals", "aws:SourceArn", &topic.arn());
        self.queue_policy(queue, statement);
    }
}
