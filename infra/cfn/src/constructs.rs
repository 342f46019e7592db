//! Resources with safe defaults, each default with its reason beside it.
//!
//! A construct is a struct of what one has to decide; its `new` asks for what has no sensible default and fills in the
//! rest, and `..Queue::new(name, encryption)` chooses otherwise. Adding it to the [`Stack`](crate::Stack) answers a
//! [`Handle`] for others to refer to. What a construct does not offer, [`Stack::change`](crate::Stack::change) does.

mod alarm;
mod dashboard;
mod domain;
mod event_source;
mod function;
mod http_api;
mod key;
mod log_group;
mod on_failure;
mod queue;
mod secret;
mod subscription;
mod topic;
mod transport;

pub use alarm::{Adds, Alarm, Comparison, Metric, MetricFilter, Missing, Source, Statistic};
pub use dashboard::{Dashboard, Widget};
pub use domain::{Certificate, Domain, DomainName};
pub use event_source::{EventSource, Failures};
pub use function::{Architecture, Code, Function};
pub use http_api::{Cors, HttpApi, Route, Throttle};
pub use key::{Encryption, Key};
pub use log_group::LogGroup;
pub use on_failure::OnFailure;
pub use queue::{DeadLetter, Queue};
pub use secret::Secret;
pub use subscription::{Delivery, Subscription};
pub use topic::Topic;
pub use transport::Transport;

use crate::Handle;

/// A construct, and the resource at its heart.
pub trait Construct {
    /// The resource, as AWS knows it.
    type Resource;
}

impl<C: Construct> Handle<C> {
    /// The resource itself, for what the construct does not say.
    #[must_use]
    pub fn resource(&self) -> Handle<C::Resource> {
        self.seen_as()
    }
}
