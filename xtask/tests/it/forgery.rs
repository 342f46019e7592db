//! What is not PayPal's never gets through.

use serde_json::{Value, json};

use crate::{
    crc::with_the_sum_of,
    service::{PLAN, Service},
};

/// A genuine event that was not delivered: its body and its headers.
fn genuine(service: &Service) -> (String, Value) {
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    let wanted = json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0], "deliver": false });
    let made = service.tell_sandbox("events", &wanted);
    (made["body"].as_str().unwrap().to_owned(), made["headers"].clone())
}

#[test]
fn forged_webhooks_end_in_the_error_queue_with_the_reason_or_are_refused() {
    let service = Service::start("forged");
    let finished = service.inbox("inbox");
    let errors = service.queue("errors");
    let (body, headers) = genuine(&service);
    let with = |name: &str, value: &str| {
        let mut changed = headers.clone();
        changed[name] = json!(value);
        changed
    };

    // One byte of the body is another.
    assert_eq!(service.deliver(&body.replacen("10.00", "10.01", 1), &headers).0, 200);
    assert_eq!(service.next(&errors)["reason"], "wrong_signature");
    // The certificate bears PayPal's name and was issued by somebody else.
    let foreign = service.tell_sandbox("forge", &json!({ "body": body }));
    assert_eq!(service.deliver(&body, &foreign["headers"]).0, 200);
    // Signed for the webhook of another service.
    let other = service.tell_sandbox("sign", &json!({ "body": body, "webhook_id": "0AB12345CD678901E" }));
    assert_eq!(service.deliver(&body, &other["headers"]).0, 200);
    assert_eq!(service.next(&errors)["reason"], "wrong_signature");

    // What cannot be PayPal's is refused at the door.
    for (address, what) in [
        ("https://evil.example.com/v1/notifications/certs/CERT-1-2-3", "another host"),
        ("https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1-2-3", "a host that begins alike"),
        ("http://169.254.169.254/v1/notifications/certs/CERT-1-2-3", "an address inside"),
        ("file:///etc/passwd", "a file"),
    ] {
        assert_eq!(service.deliver(&body, &with("paypal-cert-url", address)).0, 400, "{what}");
    }
    for name in
        headers.as_object().unwrap().keys().filter(|name| name.starts_with("paypal-") && !name.ends_with("version"))
    {
        let mut without = headers.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(service.deliver(&body, &without).0, 400, "without {name}");
    }
    assert_eq!(service.deliver("no json", &headers).0, 400);
    assert_eq!(service.deliver("[1]", &headers).0, 400);
    assert_eq!(service.deliver(&" ".repeat(250_000), &headers).0, 413);

    // The genuine one is none the worse for it, and the only one that got through.
    assert_eq!(service.deliver(&body, &headers).0, 200);
    let event = service.next(&finished);
    assert_eq!((&event["event_type"], &event["outcome"]), (&json!("PAYMENT.SALE.COMPLETED"), &json!("invoiced")));
    assert_eq!(service.now(&finished), None);
    assert_eq!(service.sandbox("invoices").len(), 1);
    // Whether a foreign certificate is an attack or PayPal's new authority cannot be told, so its event came again until it
    // was too old.
    assert_eq!(service.next(&errors)["reason"], "unknown_authority");
}

#[test]
fn a_body_with_the_same_crc_under_the_genuine_signature_makes_no_invoice() {
    let service = Service::start("crc");
    let finished = service.inbox("inbox");
    let (body, headers) = genuine(&service);
    let dearer = body.replace("10.00", "9999.00");
    assert_ne!(dearer, body);
    let forged = String::from_utf8(with_the_sum_of(body.as_bytes(), dearer.as_bytes())).unwrap();
    assert_eq!(service.deliver(&forged, &headers).0, 200);
    let rejected = service.next(&service.queue("errors.fifo"));
    assert_eq!(rejected["reason"], "disagrees_with_paypal", "{rejected}");
    assert!(service.sandbox("invoices").is_empty());
    // The true event comes after the altered one, with the same id, and is not taken for it.
    assert_eq!(service.deliver(&body, &headers).0, 200);
    let event = service.next(&finished);
    assert_eq!(
        (&event["outcome"], &event["event"]["resource"]["amount"]["total"]),
        (&json!("invoiced"), &json!("10.00"))
    );
    let invoices = service.sandbox("invoices");
    assert_eq!((invoices.len(), &invoices[0]["document"]["amount"]["value"]), (1, &json!("10.00")));
}
