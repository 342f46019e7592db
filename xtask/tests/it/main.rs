//! The command line, as its users have it: the real binary, the real handlers, real clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod crc;
mod service;

mod api;
mod command_line;
mod console;
mod event_verify;
mod events;
mod forgery;
mod observability;
mod operate;
mod outage;
mod repository;
mod soak;
mod start_and_stop;
mod state;
mod subscription;
