//! Signatures on whole deliveries, and the client's requests on the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod requests;
mod responses;
mod vectors;
