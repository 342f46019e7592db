//! The log: one JSON line for what happened to an event, which cannot hold what no log may.
//!
//! Fields are ids, words and numbers. Bodies, headers, names and addresses are never handed to the log; the types that
//! carry them hide themselves when they are printed.

use contract::signal::Signal;

/// Sends log lines to standard error as JSON, where Lambda collects them. Call it once, first.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        // The invocation and, of a batch, the message: both are needed to say what a line is about.
        .with_span_list(true)
        .with_current_span(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
}

/// An id from outside, as far as it looks like one: what else may stand in its place does not reach the log.
#[must_use]
pub fn id(text: &str) -> &str {
    let plain = text.len() <= 50 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if plain { text } else { "[not an id]" }
}

/// Says what an error of PayPal's means for the operators, so that an alarm can listen for it.
pub fn paypal_failed(error: &paypal::Error) {
    let signal = match error.status() {
        Some(429) => Some(Signal::RateLimited),
        Some(401 | 403) => Some(Signal::Unauthorized),
        _ if error.is_unavailable() => Some(Signal::PaypalUnavailable),
        _ => None,
    };
    let debug_id = error.debug_id();
    match signal {
        Some(signal) => tracing::error!(signal = signal.as_str(), debug_id, %error, "PayPal failed"),
        None => tracing::warn!(debug_id, %error, "PayPal failed"),
    }
}
