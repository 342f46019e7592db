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
fn forged_webhooks_end_in_a_queue_of_their_own_with_the_reason_or_are_refused() {
    let service = Service::start("forged");
    let finished = service.inbox("inbox");
    let (forged, errors) = (service.queue("forged"), service.queue("errors"));
    let (body, headers) = genuine(&service);
    let with = |name: &str, value: &str| {
        let mut changed = headers.clone();
        changed[name] = json!(value);
        changed
    };

    // One byte of the body is another.
    assert_eq!(service.deliver(&body.replacen("10.00", "10.01", 1), &headers).0, 200);
    assert_eq!(service.next(&forged)["reason"], "wrong_signature");
    // The certificate bears PayPal's name and was issued by somebody else.
    let foreign = service.tell_sandbox("forge", &json!({ "body": body }));
    assert_eq!(service.deliver(&body, &foreign["headers"]).0, 200);
    // Signed for the webhook of another service.
    let other = service.tell_sandbox("sign", &json!({ "body": body, "webhook_id": "0AB12345CD678901E" }));
    assert_eq!(service.deliver(&body, &other["headers"]).0, 200);
    assert_eq!(service.next(&forged)["reason"], "wrong_signature");

    // What can be verified is kept, whatever it looks like: a webhook that is refused is lost after three days.
    for (address, what) in [
        ("https://evil.example.com/v1/notifications/certs/CERT-1-2-3", "another host"),
        ("https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1-2-3", "a host that begins alike"),
        ("http://169.254.169.254/v1/notifications/certs/CERT-1-2-3", "an address inside"),
        ("file:///etc/passwd", "a file"),
    ] {
        assert_eq!(service.deliver(&body, &with("paypal-cert-url", address)).0, 200, "{what}");
        assert_eq!(service.next(&forged)["reason"], "wrong_certificate_address", "{what}");
    }
    for no_event in ["no json", "[1]"] {
        assert_eq!(service.deliver(no_event, &headers).0, 200);
        assert_eq!(service.next(&forged)["reason"], "wrong_signature", "{no_event}");
    }
    // Without the headers, or too large, it cannot be verified.
    for name in
        headers.as_object().unwrap().keys().filter(|name| name.starts_with("paypal-") && !name.ends_with("version"))
    {
        let mut without = headers.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(service.deliver(&body, &without).0, 400, "without {name}");
    }
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

#[test]
fn refused_and_forged_webhooks_raise_alarms_of_their_own_and_not_those_of_failures() {
    let service = Service::start("noise");
    let (body, mut headers) = genuine(&service);
    for _ in 0..36 {
        assert_eq!(service.deliver(&body, &json!({ "content-type": "application/json" })).0, 400);
    }
    service.lines.wait_for("alarm     webhook-refused is ALARM");
    headers["paypal-transmission-sig"] = json!("c2lnbmF0dXJl");
    for _ in 0..25 {
        assert_eq!(service.deliver(&body, &headers).0, 200);
    }
    service.lines.wait_for("alarm     forged is ALARM");
    assert!(!service.lines.all().contains("not-empty is ALARM"), "{}", service.lines.all());
    assert_eq!(service.depth(&service.queue("errors")), 0);
}
