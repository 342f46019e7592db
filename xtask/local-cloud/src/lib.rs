//! A template and its binaries, running on this machine.

pub mod account;
pub mod activity;
