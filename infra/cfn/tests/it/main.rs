//! What crosses the units of this crate: rules against wrong and mended templates, templates read and written again,
//! programs that must not compile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that fails panics"
)]

mod cases;
mod check;
mod compile_fail;
mod constructs;
mod diff;
mod guards;
mod refused_programs;
mod render;
mod round_trip;
mod schema;
mod specification;
mod unknown;
