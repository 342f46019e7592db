//! What crosses the units of this crate.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

mod compile_fail;
mod constructs;
mod schema;
