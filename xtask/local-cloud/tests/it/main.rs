//! The local cloud from outside: through its ports, with clients and suites of others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod cloud;

mod alarms;
mod clock;
mod destinations;
mod differential;
mod endpoints;
mod http_api;
mod lambda;
mod messaging;
mod moto;
mod state;
mod traces;
mod update;
