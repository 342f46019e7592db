//! Values on their way to text: what is or looks like a secret is not shown.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

/// What is shown in the place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// A value that may be shown: [`Display`](fmt::Display), `Debug` and `Serialize` tell what is no secret.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// The value itself, for those who compare.
    raw: Json,
    /// What may be shown of it.
    shown: Json,
}

impl Shown {
    pub(super) fn new(raw: Json, shown: Json) -> Self {
        Self { raw, shown }
    }

    /// The value itself, for those who compare; it never reaches a text.
    pub(in crate::diff) fn raw(&self) -> &Json {
        &self.raw
    }

    /// What may be shown of it, as JSON: secrets in it are the text `(hidden)`.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.shown
    }
}

impl fmt::Display for Shown {
    /// Texts as they are, anything else as JSON in one line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shown {
            Json::String(text) => out.write_str(text),
            other => write!(out, "{other}"),
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.shown)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown.serialize(serializer)
    }
}
