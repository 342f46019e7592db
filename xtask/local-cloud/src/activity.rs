//! What happens in the cloud, as it happens: one value an event, for the terminal and the console to render.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::record::Recorder;

/// How many events a slow reader may lag behind before it misses some.
const BACKLOG: usize = 4096;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// What it was.
    pub what: What,
    /// How long it took, where it is something that takes time.
    pub took: Option<Duration>,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// The HTTP API answered a request.
    Request {
        /// `GET`, `POST`, ...
        method: String,
        /// The path, without its query.
        path: String,
        /// The API's id.
        api: String,
        /// The status of the answer.
        status: u16,
    },
    /// A topic took a message.
    Published {
        /// The topic's name.
        topic: String,
        /// SNS's id of the message.
        message_id: String,
        /// How many subscriptions it went to.
        deliveries: usize,
    },
    /// A queue took a message.
    Sent {
        /// The queue's name.
        queue: String,
        /// SQS's id of the message.
        message_id: String,
    },
    /// A queue gave a message up, to its dead-letter queue.
    DeadLettered {
        /// The queue that gave up.
        queue: String,
        /// Where the message is now.
        to: String,
        /// SQS's id of the message.
        message_id: String,
    },
    /// A function ran.
    Invoked {
        /// The function's name.
        function: String,
        /// Lambda's id of the invocation.
        request_id: String,
        /// Whether the environment was started for it.
        cold: bool,
        /// `None` when it succeeded, otherwise the error's type, such as `Sandbox.Timedout`.
        error: Option<String>,
    },
    /// A function is done with a batch of a queue, and what it has done is deleted from there.
    Batch {
        /// The queue's name.
        queue: String,
        /// As many messages the function got.
        messages: usize,
        /// As many of them it did not do, which come back when their time is over.
        failed: usize,
    },
    /// A function's reserved concurrency was used up.
    Throttled {
        /// The function's name.
        function: String,
    },
    /// An endpoint was sent a message or asked whether it wants any.
    Notified {
        /// The topic's name.
        topic: String,
        /// Its address.
        endpoint: String,
        /// The status that it answered, or why there is none.
        result: String,
        /// In so many seconds it is tried again, where it is.
        again: Option<u64>,
        /// Whether it did not take it.
        failed: bool,
        /// Whether it was asked only whether it wants messages.
        confirmation: bool,
    },
    /// A topic has a message for a queue or a function that is not there or does not take it.
    Undelivered {
        /// The topic's name.
        topic: String,
    },
    /// A function gets an asynchronous event again, once this time is over.
    Again {
        /// The function's name.
        function: String,
        /// How long until then.
        seconds: u64,
    },
    /// An alarm has another state.
    Alarm {
        /// The alarm's name.
        alarm: String,
        /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        state: String,
        /// Why.
        reason: String,
    },
    /// An execution environment asked for its first event.
    Started {
        /// The function's name.
        function: String,
        /// Its process.
        pid: u32,
    },
    /// A function does not start.
    NotStarted {
        /// The function's name.
        function: String,
        /// The error's type, such as `Runtime.ExitError`.
        error: String,
        /// What happened.
        message: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A function wrote a line to its log.
    Logged {
        /// The function's name.
        function: String,
        /// The line, as the function wrote it.
        line: String,
    },
}

/// The sending side; clones share one stream.
#[derive(Clone, Debug)]
pub struct Stream {
    sender: broadcast::Sender<Arc<Activity>>,
    recorder: Recorder,
}

impl Default for Stream {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, recorder: Recorder::default() }
    }
}

impl Stream {
    /// Tells everyone who listens; nobody listening is fine.
    pub fn tell(&self, what: What, took: Option<Duration>) {
        let _nobody_listens = self.sender.send(Arc::new(Activity { what, took }));
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Activity>> {
        self.sender.subscribe()
    }

    /// What happened until now, with its payloads.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}
