//! What crosses the units of this crate.

mod compile_fail;
