//! What only the crate as a whole can show: rules against wrong and mended templates, templates read and written again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that fails panics"
)]

mod check;
mod round_trip;
