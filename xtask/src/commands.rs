//! One command, one module.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod codegen;
pub(crate) mod completions;
pub(crate) mod deployment;
pub(crate) mod diagram;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod local;
mod processes;
mod running;
pub(crate) mod soak;
pub(crate) mod synth;
pub(crate) mod test;
pub(crate) mod validate;
