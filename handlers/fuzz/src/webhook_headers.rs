//! Any headers of a webhook: the receiver keeps the delivery or refuses it as the caller's mistake.

use handlers::{receive::delivery, request::Request};

/// Runs the target on one input and returns what came of it. A header a line, `name: value`.
///
/// # Panics
/// A refusal is not the caller's mistake.
pub(super) fn run(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let pairs = text.split('\n').filter_map(|line| line.split_once(": "));
    let headers: serde_json::Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let event = serde_json::json!({ "headers": headers, "body": "{}", "isBase64Encoded": false });
    let request: Request = serde_json::from_value(event).unwrap();
    match delivery(&request, 262_144, jiff::Timestamp::UNIX_EPOCH) {
        Ok(kept) => format!("kept, certificate at {}", kept.headers.cert_url),
        Err(problem) => {
            assert!((400..500).contains(&problem.status));
            format!("{} {}", problem.status, problem.detail.unwrap_or_default())
        }
    }
}
