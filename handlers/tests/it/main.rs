//! The way of an event, through the functions' own code, against a PayPal that answers and an AWS that may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod api;
mod batches;
mod fuzz_seeds;
mod payments;
mod schedules;
mod verification;
mod world;
