//! Any body of `POST /subscription/create`: read or refused, and written again as it was read.

use handlers::{api::Create, request::Request};

/// Runs the target on one input and returns what came of it.
///
/// # Panics
/// The body is not the same after it was written and read once more.
pub(super) fn run(data: &[u8]) -> String {
    if let Ok(request) = serde_json::from_slice::<Request>(data) {
        let _bytes = request.bytes();
        let _key = request.header("idempotency-key");
    }
    match serde_json::from_slice::<Create>(data) {
        Ok(create) => {
            let text = serde_json::to_string(&create).unwrap();
            let again: Create = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), text);
            "read".to_owned()
        }
        Err(error) => format!("refused: {error}"),
    }
}
