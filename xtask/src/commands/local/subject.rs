//! What payloads of this service are about, for the console: a webhook of PayPal's is an event at every step of its way,
//! whatever is wrapped around it.

use base64::{Engine, engine::general_purpose::STANDARD};
use local_cloud::record::About;
use serde_json::Value;

/// The event in a payload: its type and id, and the sale that it is about, by which PayPal's invoices know it.
pub(super) fn about(payload: &[u8]) -> Option<About> {
    let event = event(&serde_json::from_slice(payload).ok()?)?;
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (event_type, id) = (text("/event_type")?, text("/id")?);
    let sale = text("/resource/id").filter(|_| event_type.starts_with("PAYMENT.SALE."));
    Some(About { title: format!("{event_type} {id}"), keys: std::iter::once(id).chain(sale).collect() })
}

/// PayPal's event in what wraps it: `contract::event::{Envelope, Rejected, Finished}`.
fn event(value: &Value) -> Option<Value> {
    if value.get("event_type").is_some() && value.get("resource").is_some() {
        return Some(value.clone());
    }
    if let Some(inner) = value.get("event").or_else(|| value.get("envelope")) {
        return event(inner);
    }
    let body = STANDARD.decode(value.get("body")?.as_str()?).ok()?;
    event(&serde_json::from_slice(&body).ok()?)
}

/// Where a message of an error queue goes when it is tried again, and as what: the delivery in it begins anew where
/// deliveries are checked.
pub(super) fn redriven(prefix: &str, queue: &str, body: &str) -> Option<(String, String)> {
    if !["forged", "errors", "errors.fifo"].contains(&queue.strip_prefix(prefix)?) {
        return None;
    }
    let rejected: contract::event::Rejected = serde_json::from_str(body).ok()?;
    let envelope = serde_json::to_string(&rejected.envelope?).ok()?;
    Some((format!("{prefix}unverified"), envelope))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrapped(event: &Value) -> Value {
        let headers = json!({ "transmission_id": "", "transmission_time": "", "transmission_sig": "", "cert_url": "",
            "auth_algo": "" });
        json!({ "received_at": "", "headers": headers, "body": STANDARD.encode(event.to_string()) })
    }

    #[test]
    fn an_event_is_known_in_whatever_is_around_it() {
        let sale = json!({ "id": "WH-1", "event_type": "PAYMENT.SALE.COMPLETED", "resource": { "id": "8UA" } });
        let rejected = json!({ "reason": "", "detail": "", "envelope": wrapped(&sale) });
        let finished = json!({ "outcome": "invoiced", "event": sale });
        for payload in [&sale, &wrapped(&sale), &rejected, &finished] {
            let about = about(payload.to_string().as_bytes()).unwrap();
            assert_eq!(about.title, "PAYMENT.SALE.COMPLETED WH-1");
            assert_eq!(about.keys, ["WH-1", "8UA"]);
        }
        for other in ["", "1", "{}", r#"{"body":"x"}"#, r#"{"plan_id":"P-1"}"#] {
            assert_eq!(about(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_rejected_delivery_is_checked_anew_and_nothing_else_is_touched() {
        let envelope = wrapped(&json!({ "id": "WH-1" }));
        let rejected = json!({ "reason": "wrong_signature", "detail": "", "envelope": envelope }).to_string();
        let (queue, body) = redriven("shop-", "shop-errors.fifo", &rejected).unwrap();
        assert_eq!((queue.as_str(), serde_json::from_str::<Value>(&body).unwrap()), ("shop-unverified", envelope));
        assert!(redriven("shop-", "shop-forged", &rejected).is_some());
        assert_eq!(redriven("shop-", "shop-orders", &rejected), None);
        assert_eq!(redriven("shop-", "shop-errors", r#"{"reason":"","detail":"","unreadable":"x"}"#), None);
    }
}
