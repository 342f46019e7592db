//! What crosses the units of this crate: templates read and written again, programs that must not compile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that fails panics"
)]

mod compile_fail;
mod constructs;
mod refused_programs;
mod round_trip;
mod schema;
