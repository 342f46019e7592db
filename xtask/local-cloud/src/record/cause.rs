//! What a hop follows from. It stands beside the work, in the task, so that nothing has to hand it on.

use std::{future::Future, sync::Arc};

use super::{Recorder, Span, Trace};

tokio::task_local! {
    static CAUSE: Arc<Cause>;
}

/// Where work comes from: a node of the picture, the journeys that it belongs to, and the hop that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) from: String,
    pub(crate) journeys: Vec<u64>,
    /// The span of the hop that it follows from.
    pub(crate) parent: Option<Span>,
    /// Further ones, where it is a batch.
    pub(crate) links: Vec<Span>,
    /// X-Ray's header as it came with the call: it is passed on as it is.
    pub(crate) trace_header: Option<String>,
}

impl Default for Cause {
    /// Somebody outside.
    fn default() -> Self {
        Self::new("outside".to_owned(), Vec::new())
    }
}

impl Cause {
    /// What comes from this node.
    pub(crate) fn new(from: String, journeys: Vec<u64>) -> Self {
        Self { from, journeys, parent: None, links: Vec::new(), trace_header: None }
    }

    /// The same, following from a hop with this span.
    pub(crate) fn within(self, span: Span) -> Self {
        Self { parent: Some(span), ..self }
    }

    /// What the work of this task follows from.
    pub(crate) fn current() -> Arc<Self> {
        CAUSE.try_with(Arc::clone).unwrap_or_default()
    }

    /// X-Ray's header that came with the call which this task works on.
    pub(crate) fn current_trace_header() -> Option<String> {
        CAUSE.try_with(|cause| cause.trace_header.clone()).ok().flatten()
    }

    /// Works, with this as the cause.
    pub(crate) async fn of<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CAUSE.scope(self, work).await
    }

    /// Works at once, with this as the cause.
    pub(crate) fn of_now<T>(self: Arc<Self>, work: impl FnOnce() -> T) -> T {
        CAUSE.sync_scope(self, work)
    }

    /// The number of a hop that follows from this, and the journeys that the hop belongs to: one of its own, when it follows
    /// from nothing that is known.
    pub(crate) fn next(&self, recorder: &Recorder) -> (u64, Vec<u64>) {
        let number = recorder.next();
        (number, if self.journeys.is_empty() { vec![number] } else { self.journeys.clone() })
    }

    /// Where the hop of this number stands, when it follows from this: in the trace of what it follows from, or in one of its
    /// own.
    pub(crate) fn trace(&self, recorder: &Recorder, number: u64) -> Trace {
        let span = recorder.span(number);
        let Some(parent) = self.parent else { return Trace { span, ..Trace::default() } };
        Trace {
            span: Span { trace: parent.trace, sampled: parent.sampled, ..span },
            parent: Some(parent.id).filter(|id| *id != 0),
            links: self.links.clone(),
        }
    }
}
