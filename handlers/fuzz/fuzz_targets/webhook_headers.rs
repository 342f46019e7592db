//! Requests as API Gateway hands them over, with any headers: the receiver keeps them or refuses them.
#![no_main]

use std::sync::OnceLock;

use handlers::{
    receive::{Limits, delivery},
    request::Request,
};
use libfuzzer_sys::fuzz_target;
use paypal::signature::Origin;

static LIMITS: OnceLock<Limits> = OnceLock::new();

fuzz_target!(|pairs: Vec<(String, String)>| {
    let headers: serde_json::Map<_, _> = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
    let event = serde_json::json!({ "headers": headers, "body": "{}", "isBase64Encoded": false });
    let Ok(request) = serde_json::from_value::<Request>(event) else { return };
    let limits = LIMITS.get_or_init(|| Limits {
        message_bytes: 262_144,
        certificate_origins: vec![Origin::parse("https://api.paypal.com").unwrap()],
    });
    if let Err(problem) = delivery(&request, limits, jiff::Timestamp::UNIX_EPOCH) {
        assert!((400..500).contains(&problem.status));
    }
});
