//! What a hop follows from. It stands beside the work, in the task, so that nothing has to hand it on.

use std::future::Future;

use super::Recorder;

tokio::task_local! {
    static CAUSE: Cause;
}

/// Where work comes from: a node of the picture, and the journeys that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) from: String,
    pub(crate) journeys: Vec<u64>,
}

impl Default for Cause {
    /// Somebody outside.
    fn default() -> Self {
        Self { from: "outside".to_owned(), journeys: Vec::new() }
    }
}

impl Cause {
    /// What comes from this node.
    pub(crate) fn new(from: String, journeys: Vec<u64>) -> Self {
        Self { from, journeys }
    }

    /// What the work of this task follows from.
    pub(crate) fn current() -> Self {
        CAUSE.try_with(Clone::clone).unwrap_or_default()
    }

    /// Works, with this as the cause.
    pub(crate) async fn of<F: Future>(self, work: F) -> F::Output {
        CAUSE.scope(self, work).await
    }

    /// Works at once, with this as the cause.
    pub(crate) fn of_now<T>(self, work: impl FnOnce() -> T) -> T {
        CAUSE.sync_scope(self, work)
    }

    /// The number of a hop that follows from this, and the journeys that the hop belongs to: one of its own, when it follows
    /// from nothing that is known.
    pub(crate) fn next(&self, recorder: &Recorder) -> (u64, Vec<u64>) {
        let number = recorder.next();
        (number, if self.journeys.is_empty() { vec![number] } else { self.journeys.clone() })
    }
}
