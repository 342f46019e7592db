//! The command line, as its users have it: the real binary, the real handlers, real clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod crc;
mod documents;
mod emulator;
mod service;

mod api;
mod attack;
mod attack_templates;
mod build;
mod command_line;
mod console;
mod emulator_calls;
mod emulator_life;
mod emulator_service;
mod event_verify;
mod events;
mod forgery;
mod modules;
mod observability;
mod operate;
mod outage;
mod repository;
mod review;
mod soak;
mod start_and_stop;
mod state;
mod subscription;
mod watch;
mod workflow;
