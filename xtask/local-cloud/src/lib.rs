//! A template and its binaries, running on this machine.

pub mod account;
pub mod activity;
pub mod aws;
pub mod logs;
pub mod secrets;
pub mod sns;
pub mod sqs;
mod wire;

pub use wire::ApiError;
