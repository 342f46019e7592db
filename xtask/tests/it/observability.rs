//! What the functions write to their logs, whatever the input: a line of JSON each, and nothing that no log may hold.

use serde_json::{Value, json};

use crate::service::{PLAN, Service, call, post};

/// What must not stand in any line: secrets, tokens, signatures, and what is somebody's own.
const CANARIES: [&str; 9] =
    ["local-secret", "A21AA", "Bearer", "Basic ", "Canaria", "Serinus", "canary@example.com", "ba_token", "\u{1b}"];

#[test]
fn no_line_holds_a_secret_a_token_a_signature_or_anything_personal() {
    let service = Service::start("canaries");
    let finished = service.inbox("inbox");
    let create = format!("{}/subscription/create", service.api);
    let buyer = json!({ "plan_id": PLAN, "custom_id": "order-7", "given_name": "Canaria", "surname": "Serinus\u{1b}[31m\r\nx",
        "email_address": "canary@example.com" });
    let with = |name: &str, value: Value| {
        let mut changed = buyer.clone();
        changed[name] = value;
        changed
    };
    let (status, created) = post(&create, &buyer);
    assert_eq!(status, 200, "{created}");
    for (body, wanted) in [
        (with("plan_id", json!("P-UNKNOWN")), 422),
        (with("plan_id", json!("canary@example.com")), 422),
        (with("custom_id", json!("Canaria".repeat(100))), 422),
        (with("email_address", json!("canary@example.com@")), 422),
        (with("Canaria", json!(1)), 400),
        (with("given_name", json!(["Canaria"])), 400),
    ] {
        let (status, answer) = post(&create, &body);
        assert_eq!(status, wanted, "{answer}");
        assert!(!answer.contains("Canaria") && !answer.contains("canary"), "an answer repeats what was sent: {answer}");
    }
    assert_eq!(
        call("POST", &create, &[("content-type", "application/json")], Some("{\"given_name\":\"Canaria")).0,
        400
    );

    // PayPal refuses, fails, loses its answers.
    // 429 comes last: after it, no call is made for half a minute.
    for (status, wanted) in [(401, 502), (403, 502), (500, 502), (422, 422), (429, 429)] {
        let fault = json!({ "match": "POST /v1/billing", "kind": "status", "status": status, "times": 3 });
        service.tell_sandbox("faults", &fault);
        let (answered, answer) = post(&create, &with("custom_id", json!(format!("order-{status}"))));
        assert_eq!(answered, wanted, "PayPal's {status}: {answer}");
        call("DELETE", &format!("{}/_sandbox/faults", service.paypal), &[], None);
    }

    // An address in the place of an id.
    let signed = service.tell_sandbox("sign", &json!({ "body": "{}" }));
    let mut named = signed["headers"].clone();
    named["paypal-transmission-id"] = json!("canary@example.com");
    assert_eq!(service.deliver("{}", &named).0, 200);

    // Genuine, forged and senseless webhooks.
    let page: Value = serde_json::from_str(&created).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    call("POST", page["approval_url"].as_str().unwrap(), &headers, Some("decision=approve"));
    let event = json!({ "event_type": "BILLING.SUBSCRIPTION.UPDATED", "deliver": false,
        "subscription": page["subscription_id"] });
    let made = service.tell_sandbox("events", &event);
    let body = made["body"].as_str().unwrap();
    let signature = made["headers"]["paypal-transmission-sig"].as_str().unwrap();
    assert_eq!(service.deliver(body, &made["headers"]).0, 200);
    assert_eq!(service.deliver(&body.replace("Canaria", "Canariae"), &made["headers"]).0, 200);
    let senseless = service.tell_sandbox("sign", &json!({ "body": "{\"Canaria\":\"canary@example.com\"}" }));
    assert_eq!(service.deliver("{\"Canaria\":\"canary@example.com\"}", &senseless["headers"]).0, 200);
    for _ in 0..4 {
        service.next(&finished);
    }
    // Forged ones apart from what is no event.
    for queue in ["forged", "forged", "errors"] {
        service.next(&service.queue(queue));
    }

    let functions = ["plans-list", "subscription-create", "webhook-receiver", "webhook-verify", "webhook-process"];
    let mut count = 0;
    for function in functions {
        for line in service.log(&format!("/aws/lambda/paypal-subscriptions-local-{function}")) {
            count += 1;
            let json: Result<Value, _> = serde_json::from_str(&line);
            assert!(json.is_ok_and(|json| json["level"].is_string() && json["message"].is_string()), "{line}");
            let found = CANARIES.iter().find(|canary| line.contains(**canary));
            assert_eq!(found, None, "{function}: {line}");
            assert!(!line.contains(signature), "{function}: {line}");
        }
    }
    assert!(count > 15, "only {count} lines were looked at");
    // The access log holds what callers sent, but not as more than one line and not as control characters.
    for line in service.log("/aws/apigateway/paypal-subscriptions-local-api") {
        assert!(serde_json::from_str::<Value>(&line).is_ok_and(|json| json["requestId"].is_string()), "{line}");
    }
    // An alarm reads the age of finished events from here.
    let finished = service.log(&format!("/aws/lambda/paypal-subscriptions-local-{}", contract::signal::FINISHES));
    let ages = finished
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get(contract::signal::AGE_FIELD)?.as_u64());
    assert_eq!(ages.count(), 4);
    // PayPal's support asks for this.
    assert!(
        service
            .log("/aws/lambda/paypal-subscriptions-local-subscription-create")
            .iter()
            .any(|line| line.contains("debug_id"))
    );
}
