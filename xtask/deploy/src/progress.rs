//! How an operation goes, as far as its events tell. Knows no colour and no width.

use crate::events::Event;

/// A resource while a stack is made, changed or deleted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    /// When CloudFormation began with it, and when it was done, in seconds.
    pub(crate) began: f64,
    pub(crate) ended: Option<f64>,
}

/// An operation on a stack.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// In the order in which they were first heard of.
    pub(crate) resources: Vec<Resource>,
    /// What the stack as a whole was said to be last.
    pub(crate) status: String,
    /// When the operation began, in seconds.
    pub(crate) began: Option<f64>,
    /// The latest event's time, in seconds.
    pub(crate) latest: f64,
}

/// What a resource is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Failed,
    UnderWay,
    Done,
}

impl Resource {
    pub(crate) fn at(&self) -> At {
        if self.status.ends_with("_FAILED") {
            At::Failed
        } else if self.status.ends_with("_IN_PROGRESS") {
            At::UnderWay
        } else {
            At::Done
        }
    }

    /// How long it took, or takes at this time, in seconds.
    pub(crate) fn seconds(&self, now: f64) -> f64 {
        (self.ended.unwrap_or(now) - self.began).max(0.0)
    }
}

impl Progress {
    /// Takes the next event, and answers what it says of its resource now; nothing for events about the stack itself.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<&Resource> {
        self.began.get_or_insert(event.seconds);
        self.latest = self.latest.max(event.seconds);
        if event.of_stack {
            self.status.clone_from(&event.status);
            return None;
        }
        let known = self.resources.iter().position(|resource| resource.name == event.resource);
        let at = known.unwrap_or_else(|| {
            self.resources.push(Resource {
                name: event.resource.clone(),
                kind: event.kind.clone(),
                status: String::new(),
                reason: String::new(),
                began: event.seconds,
                ended: None,
            });
            self.resources.len() - 1
        });
        let resource = self.resources.get_mut(at)?;
        // Done before, and begun anew: an old queue that is deleted once the new one is there, or a rollback.
        if event.status.ends_with("_IN_PROGRESS") && resource.ended.is_some() {
            (resource.began, resource.ended) = (event.seconds, None);
        }
        resource.status.clone_from(&event.status);
        // The reason of a failure outlives the rollback of it.
        if event.failed() || resource.at() != At::Failed {
            resource.reason.clone_from(&event.reason);
        }
        resource.ended = (!event.status.ends_with("_IN_PROGRESS")).then_some(event.seconds);
        Some(resource)
    }

    /// Since the operation began, in seconds.
    pub(crate) fn elapsed(&self, at: f64) -> f64 {
        (at - self.began.unwrap_or(at)).max(0.0)
    }
}
