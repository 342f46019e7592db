//! The name of a resource inside its template.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

/// A resource's logical id: 1 to 255 ASCII letters and digits.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogicalId(String);

/// Why a text is not a logical id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("logical id {0:?} must be 1 to 255 ASCII letters and digits; remove the other characters")]
pub struct InvalidLogicalId(String);

impl LogicalId {
    /// Reads a logical id.
    ///
    /// # Errors
    /// When the text is empty, longer than 255 characters, or holds anything but ASCII letters and digits.
    pub fn parse(text: &str) -> Result<Self, InvalidLogicalId> {
        let fits = !text.is_empty() && text.len() <= 255;
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLogicalId(text.to_owned()))
        }
    }

    /// Stands where a wrong id was reported, until the report is read.
    pub(crate) fn placeholder() -> Self {
        Self("Invalid".to_owned())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Borrow<str> for LogicalId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LogicalId {
    type Error = InvalidLogicalId;

    fn try_from(text: String) -> Result<Self, InvalidLogicalId> {
        Self::parse(&text)
    }
}

impl From<LogicalId> for String {
    fn from(id: LogicalId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::LogicalId;

    #[test]
    fn letters_and_digits_up_to_255() {
        assert!(LogicalId::parse("WebhookVerify2").is_ok());
        assert!(LogicalId::parse(&"A".repeat(255)).is_ok());
        for wrong in ["", "web-hook", "Größe", "a b", &"A".repeat(256)] {
            assert!(LogicalId::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
