//! Any body under the headers of a webhook, as text or as base64: the receiver keeps exactly the bytes that came.

use contract::event::Envelope;
use handlers::{receive::delivery, request::Request};

const MESSAGE_BYTES: usize = 262_144;

/// Runs the target on one input and returns what came of it. The first byte decides: `b` says that the rest is base64.
///
/// # Panics
/// The kept body differs from the received one, does not fit a message, or changes when it is written and read.
pub(super) fn run(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let (is_base64, body) = match text.strip_prefix('b') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('t').unwrap_or(&text)),
    };
    let event = serde_json::json!({
        "headers": {
            "paypal-transmission-id": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
            "paypal-transmission-time": "2026-11-01T00:00:00Z",
            "paypal-transmission-sig": "c2lnbmF0dXJl",
            "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
            "paypal-auth-algo": "SHA256withRSA",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    });
    let request: Request = serde_json::from_value(event).unwrap();
    match delivery(&request, MESSAGE_BYTES, jiff::Timestamp::UNIX_EPOCH) {
        Ok(kept) => {
            assert_eq!(Some(&kept.body), request.bytes().as_ref());
            let text = serde_json::to_string(&kept).unwrap();
            assert!(text.len() <= MESSAGE_BYTES);
            assert!(serde_json::from_str::<Envelope>(&text).unwrap() == kept);
            format!("kept {} bytes", kept.body.len())
        }
        Err(problem) => {
            assert!((400..500).contains(&problem.status));
            format!("{} {}", problem.status, problem.detail.unwrap_or_default())
        }
    }
}
