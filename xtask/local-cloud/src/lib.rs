//! A template and its binaries, running on this machine.
//!
//! - [`cloud`]: starts a template, puts another in its place, stops it. Start there.
//! - [`provision`]: the template's resources, made in the order in which they refer to each other.
//! - [`http_api`], [`lambda`], [`event_source`], [`sns`], [`sqs`], [`secrets`], [`logs`], [`cloudformation`]: a service each.
//! - [`aws`]: the front door, where all of them speak AWS's own protocols.
//! - [`metrics`], [`alarms`]: what is counted, and who is told of it.
//! - [`clock`]: the time of all of them, which can be put forward.
//! - [`activity`]: what happens, as it happens; [`record`]: what happened, with its payloads;
//!   `traces`: the same for a collector of OpenTelemetry's.
//! - [`console`]: the page that shows it; [`chaos`]: what goes wrong on purpose.
//!
//! **Invariants.** Reads a template and runs binaries; knows neither this project's stack nor its handlers nor PayPal. One
//! clock; nothing polls: whoever waits is woken. Without a journal nothing touches the disk.
//!
//! What differs from AWS stands in the crate's README.

pub mod account;
pub mod activity;
pub mod alarms;
pub mod aws;
pub mod chaos;
pub mod clock;
pub mod cloud;
pub mod cloudformation;
pub mod console;
mod control;
pub mod event_source;
pub mod http_api;
pub mod lambda;
mod live;
pub mod logs;
pub mod metrics;
mod pattern;
pub mod provision;
pub mod record;
mod saved;
pub mod secrets;
pub mod sns;
pub mod sqs;
mod traces;
mod wire;

pub use clock::Clock;
pub use cloud::{Options, RouteLine, Running, StartError, Updated, start};
pub use control::Control;
pub use traces::{Collector, NoCollector};
pub use wire::ApiError;
