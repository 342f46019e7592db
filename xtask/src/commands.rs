//! One command, one module.

pub mod build;
pub(crate) mod completions;
pub(crate) mod deployment;
pub(crate) mod diagram;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod event;
pub mod local;
pub(crate) mod maintenance;
pub(crate) mod synth;
pub mod test;
pub(crate) mod validate;
