//! The program against an endpoint that answers as AWS does, from a script.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails panics")]

mod attacks;
mod cloud;
mod doctor;
mod endpoint;
mod hostile;
mod kills;
mod logs;
mod operate;
mod outputs;
mod plans;
mod program;
mod scenarios;
mod terminal;
