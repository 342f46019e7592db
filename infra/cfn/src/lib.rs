//! CloudFormation, typed: templates that are built, read and written.
//!
//! - [`Template`], [`Resource`]: what CloudFormation takes, in the order it was written.
//! - [`Value`], [`Arn`]: a property's value, which says what it refers to. A queue's ARN does not fit where a topic's
//!   ARN belongs; what takes several kinds is in [`union`].
//! - [`Stack`]: collects resources and refuses what cannot be synthesized.
//! - [`constructs`]: resources with safe defaults.
//! - [`resources`]: AWS's resource types, generated; what constructs are made of.
//! - [`flow`]: which thing hands what to which, and the routes of APIs.
//! - [`graph`]: what refers to what, and in which order resources can be made.
//! - [`schema`]: AWS's own description of its resource types, as data.
//! - [`read`], [`write`]: JSON and YAML, in and out.
//! - [`check`]: what is wrong with a template.
//! - [`diff`](mod@diff): what a change of a template does to the running system.
//! - [`render`]: a diff as text, for people and for programs.
//! - [`diagram`]: a picture of what its events pass.
//!
//! ```
//! use cfn::{Stack, constructs::{Encryption, Topic}};
//!
//! let mut stack = Stack::new("a topic");
//! let topic = stack.topic("News", &Topic::new("news".into(), Encryption::Managed));
//! stack.output("NewsArn", "where news are published", topic.arn());
//! let template = stack.finish()?;
//! assert!(cfn::write::yaml(&template).contains("AWS::SNS::Topic"));
//! # Ok::<(), cfn::StackError>(())
//! ```
//!
//! **Invariants.** This crate knows AWS; it knows nothing of PayPal or of this service. It does no I/O, reads no clock
//! and no environment: the same input gives the same bytes.

pub mod check;
pub mod constructs;
pub mod diagram;
pub mod diff;
pub mod flow;
pub mod graph;
mod logical_id;
pub(crate) mod path;
mod policy;
pub mod read;
pub mod render;
pub mod resources;
pub mod schema;
mod stack;
mod template;
pub mod union;
mod value;
pub mod write;

pub use logical_id::{InvalidLogicalId, LogicalId};
pub use path::Path;
pub use policy::{Effect, PolicyDocument, Principal, Statement};
pub use stack::{Handle, Kind, Stack, StackError};
pub use template::{Output, Parameter, Resource, Section, Template};
pub use value::{
    Arn, Condition, FromNumber, FromText, Id, InvalidLiteral, Item, List, Literal, Map, Mapping, Name, Part, Plain,
    Row, Sensitive, Test, Url, Value, pseudo,
};
