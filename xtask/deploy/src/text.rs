//! Text for people and JSON for programs, on standard output.

use std::io::{ErrorKind, Write, stdout};

use serde::Serialize;

use crate::{Failure, heartbeat};

pub(crate) use review::render::{printable, printable_lines};

/// Writes a result to standard output.
///
/// # Errors
/// When it cannot be written; that nobody reads any more is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    heartbeat::printed();
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::new(format!("cannot print: {error}"), "check standard output")),
    }
}

/// Writes a result as JSON.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&(json(value, true)? + "\n"))
}

/// Writes one event of a stream as a line of JSON.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_json_line(value: &impl Serialize) -> Result<(), Failure> {
    print(&(json(value, false)? + "\n"))
}

/// A value as JSON.
///
/// # Errors
/// When it cannot be written so.
pub(crate) fn json(value: &impl Serialize, pretty: bool) -> Result<String, Failure> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    text.map_err(|error| Failure::new(format!("cannot write JSON: {error}"), "this is a defect of this program"))
}
