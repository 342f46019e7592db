//! PayPal's documents as JSON.

use serde_json::Value;

/// Sets a member of an object.
pub(crate) fn set(document: &mut Value, key: &str, value: Value) {
    if let Some(entries) = document.as_object_mut() {
        entries.insert(key.to_owned(), value);
    }
}

/// A member that is text, empty when there is none.
pub(crate) fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
