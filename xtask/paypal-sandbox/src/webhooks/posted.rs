//! A webhook as it is posted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is posted.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// The body that is signed.
    pub(crate) signed: String,
    /// Another body that is sent in its place, as somebody on the way might.
    pub(crate) tampered: Option<String>,
    /// How long ago it was signed.
    pub(crate) age: Duration,
}

impl Posted {
    /// An event as PayPal delivers it.
    pub(crate) fn genuine(body: String) -> Self {
        Self { signed: body, tampered: None, age: Duration::ZERO }
    }
}
