//! CloudFormation, typed: templates that are built, read and written.
//!
//! - [`Template`], [`Resource`]: what CloudFormation takes, in the order it was written.
//! - [`Value`], [`Arn`]: a property's value, which says what it refers to. A queue's ARN does not fit where a topic's
//!   ARN belongs; what takes several kinds is in [`union`].
//! - [`Stack`]: collects resources and refuses what cannot be synthesized.
//! - [`constructs`]: resources with safe defaults.
//! - [`resources`]: AWS's resource types, generated; what constructs are made of.
//! - [`graph`]: what refers to what, and in which order resources can be made.
//! - [`guard`](mod@guard): what environment files block.
//! - [`schema`]: AWS's own description of its resource types, as data.
//! - [`read`], [`write`]: JSON and YAML, in and out.
//! - [`view`]: a template as a reader asks about it, with *unknown* as an answer.
//!
//! ```
//! use cfn::{Stack, constructs::{Encryption, Topic}};
//!
//! let mut stack = Stack::new("a topic");
//! let topic = stack.topic("News", &Topic::new("news".into(), Encryption::Managed));
//! stack.output("NewsArn", "where news are published", topic.arn());
//! let template = stack.finish()?;
//! assert!(cfn::write::yaml(&template).contains("AWS::SNS::Topic"));
//! # Ok::<(), cfn::StackErrors>(())
//! ```
//!
//! **Invariants.** This crate knows AWS; it knows nothing of PayPal or of this service. It does no I/O, reads no clock
//! and no environment: the same input gives the same bytes.

pub mod constructs;
pub mod graph;
pub mod guard;
mod logical_id;
mod path;
mod policy;
pub mod read;
pub mod resources;
pub mod schema;
mod stack;
mod template;
pub mod union;
mod value;
pub mod view;
pub mod write;

pub use logical_id::{InvalidLogicalId, LogicalId};
pub use path::{Path, Step, Trail};
pub use policy::{Effect, PolicyDocument, Principal, Statement};
pub use stack::{Handle, Kind, Stack, StackError, StackErrors, WAIVERS};
pub use template::{Output, Parameter, Resource, Section, Template};
pub use value::{
    Arn, Condition, FromNumber, FromText, Id, InvalidLiteral, Item, List, Literal, Map, Mapping, Name, Part, Plain,
    Row, Sensitive, Test, Url, Value, pseudo,
};
