//! What the handlers and the infrastructure agree on.
//!
//! **How a field becomes a permission.** Each function's settings are one struct in [`functions`], generic over a
//! [`Side`]. A field's type, such as [`PublishTo`], says three things at once: what the handler gets ([`TopicArn`]), what
//! the stack must give (a topic, nothing else), and what the function may do with it ([`Access::Publish`]). The stack
//! fills `WebhookReceiver<InStack>` with references, the handler reads `WebhookReceiver` from its environment; a field
//! that is missing, extra or of the wrong kind does not compile, and nobody writes an IAM statement by hand.
//!
//! - [`functions`]: each function's name, what starts it, its settings.
//! - [`settings`]: the kinds of fields, and how they are read.
//! - [`trigger`]: triggers of functions.
//! - [`permission`]: what a field entitles to.
//! - [`config`]: settings with a shape of their own, from the environment file to the handler.
//! - [`signal`]: what log lines say that alarms listen for.
//! - [`event`]: what travels between the functions.
//! - [`log_line`]: a line of their logs, as people read it.
//!
//! **Invariants.** No AWS SDK, no HTTP, no async, no crate of ours: both sides can build on it.

pub mod config;
pub mod event;
pub mod functions;
pub mod log_line;
pub mod permission;
pub mod settings;
pub mod signal;
pub mod trigger;

pub use permission::Access;
pub use settings::{
    AtRuntime, Data, PublishTo, QueueUrl, ReadSecret, ReadSecretIfAny, Retime, SecretArn, SendTo, Side, Text, TopicArn,
    Whole,
};
