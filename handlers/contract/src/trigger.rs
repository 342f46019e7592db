//! Triggers of functions.

/// Trigger of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A request to the HTTP API.
    Http {
        /// `GET`, `POST`, ...
        method: &'static str,
        /// From the root, as `/plans/list`.
        path: &'static str,
    },
    /// Messages of a queue, in batches.
    Queue,
}

/// Marks functions that a request starts.
pub enum Http {}
/// Marks functions that a queue feeds.
pub enum Queue {}
