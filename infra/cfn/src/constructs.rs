//! Resources with safe defaults, each default with its reason beside it.
//!
//! A construct is a struct of what one has to decide; adding it to the [`Stack`](crate::Stack) answers a
//! [`Handle`](crate::Handle) for others to refer to.

mod alarm;
mod dashboard;
mod domain;
mod event_source;
mod function;
mod http_api;
mod key;
mod log_group;
mod queue;
mod secret;
mod subscription;
mod topic;

pub use alarm::{Alarm, Comparison, Metric, MetricFilter, Source};
pub use dashboard::{Dashboard, Widget};
pub use domain::{Certificate, Domain, DomainName};
pub use event_source::EventSource;
pub use function::{Architecture, Code, Function};
pub use http_api::{Cors, HttpApi, Throttle};
pub use key::{Encryption, Key};
pub use log_group::LogGroup;
pub use queue::{DeadLetter, Queue, QueuePolicy};
pub use secret::Secret;
pub use subscription::Subscription;
pub use topic::Topic;
