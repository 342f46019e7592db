//! Any body under genuine looking headers, as text and as base64: what is kept is what came.
#![no_main]

use std::sync::OnceLock;

use handlers::{
    receive::{Limits, delivery},
    request::Request,
};
use libfuzzer_sys::fuzz_target;
use paypal::signature::Origin;

static LIMITS: OnceLock<Limits> = OnceLock::new();

fuzz_target!(|input: (String, bool)| {
    let (body, is_base64) = input;
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
    let Ok(request) = serde_json::from_value::<Request>(event) else { return };
    let limits = LIMITS.get_or_init(|| Limits {
        message_bytes: 262_144,
        certificate_origins: vec![Origin::parse("https://api.paypal.com").unwrap()],
    });
    if let Ok(kept) = delivery(&request, limits, jiff::Timestamp::UNIX_EPOCH) {
        assert_eq!(Some(&kept.body), request.bytes().as_ref());
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.len() <= 262_144);
        assert!(serde_json::from_str::<contract::event::Envelope>(&text).unwrap() == kept);
    }
});
