//! Any body of `POST /subscription/create`.
#![no_main]

use handlers::{api::Create, request::Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<Request>(data) {
        let _bytes = request.bytes();
        let _key = request.header("idempotency-key");
    }
    if let Ok(create) = serde_json::from_slice::<Create>(data) {
        let text = serde_json::to_string(&create).unwrap();
        assert!(serde_json::from_str::<Create>(&text).is_ok());
    }
});
