//! What crosses the units of this crate: rules on templates that break them, changes and their reviews.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that fails panics"
)]

mod cases;
mod check;
mod diff;
mod guards;
mod render;
mod samples;
mod specification;
mod unknown;
