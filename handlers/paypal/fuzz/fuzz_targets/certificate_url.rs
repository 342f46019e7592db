//! Any address of a certificate: only PayPal's own hosts and paths pass, whatever the spelling.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use paypal::signature::{Origin, address};

static ORIGINS: OnceLock<[Origin; 2]> = OnceLock::new();

fuzz_target!(|text: &str| {
    let _read = Origin::parse(text);
    let origins = ORIGINS
        .get_or_init(|| ["https://api.paypal.com", "http://127.0.0.1:3002"].map(|each| Origin::parse(each).unwrap()));
    if let Ok(address) = address(text, origins) {
        let rest = address
            .as_str()
            .strip_prefix("https://api.paypal.com")
            .or(address.as_str().strip_prefix("http://127.0.0.1:3002"));
        let id = rest.and_then(|rest| rest.strip_prefix("/v1/notifications/certs/CERT-")).unwrap();
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
});
