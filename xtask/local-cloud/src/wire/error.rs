//! Errors as AWS's services answer them.

use std::fmt;

/// An error answer of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The code of the query protocol, such as `AWS.SimpleQueueService.NonExistentQueue`.
    pub code: &'static str,
    /// The name of the error's shape in the JSON protocol, such as `QueueDoesNotExist`.
    pub shape: &'static str,
    /// What is wrong.
    pub message: String,
}

impl ApiError {
    /// An error of the caller's, whose code is its shape's name too.
    pub fn caller(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, shape: code, message: message.into() }
    }

    /// An error of the caller's, with another name in the JSON protocol.
    pub fn named(code: &'static str, shape: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, shape, message: message.into() }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
