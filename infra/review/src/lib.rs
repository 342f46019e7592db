//! Everything that is reported about a CloudFormation template.
//!
//! - [`check`]: what is wrong with a template.
//! - [`flow`]: event routing: which resource passes events to which, and the routes of APIs.
//! - [`diff`](mod@diff): what a change of a template does to the running system.
//! - [`diagram`]: a picture of the resources that events pass.
//! - [`render`]: a diff as text, for people and for programs.
//!
//! **Invariants.** This crate knows AWS; it knows nothing of PayPal or of this service. It does no I/O, reads no clock and no
//! environment: the same input gives the same bytes. What is not known for certain is reported as unknown.

pub mod check;
pub mod diagram;
pub mod diff;
pub mod flow;
pub mod render;
