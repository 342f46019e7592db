//! Outages and crashes change the time that an event takes, never what becomes of it.

use serde_json::json;

use crate::service::{PLAN, Service, call, post};

#[test]
fn paypal_answers_503_for_ten_seconds_and_the_invoice_is_there_in_the_end() {
    let service = Service::start("outage");
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    service.tell_sandbox("faults", &json!({ "match": "*", "kind": "status", "status": 503, "for_ms": 10_000 }));
    service.tell_sandbox("events", &json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0] }));
    service.lines.wait_for("event comes again");
    service.lines.wait_for("alarm     paypal-unavailable is ALARM");
    let event = service.next(&finished);
    assert_eq!(event["outcome"], "invoiced", "{event}");
    let invoices = service.sandbox("invoices");
    assert_eq!((invoices.len(), &invoices[0]["document"]["status"]), (1, &json!("MARKED_AS_PAID")));
    for queue in ["errors", "errors.fifo"] {
        assert_eq!(service.depth(&service.queue(queue)), 0, "{queue}");
    }
}

#[test]
fn an_answer_that_is_lost_is_not_a_second_invoice() {
    let service = Service::start("lost-answer");
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
    for call in ["POST /v2/invoicing/invoices", "POST /v2/invoicing/invoices/"] {
        service.tell_sandbox("faults", &json!({ "match": call, "kind": "lose_answer", "times": 1 }));
    }
    service.tell_sandbox("events", &json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0] }));
    assert_eq!(service.next(&finished)["outcome"], "invoiced");
    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    assert_eq!(invoices[0]["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
}

#[test]
fn the_processing_handler_killed_in_the_middle_of_a_batch_loses_nothing_and_repeats_nothing() {
    const EVENTS: usize = 5;
    let service = Service::start("killed");
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": EVENTS }));
    // The first invoices are made, and their answers do not come: the handler waits, in the middle of its batch.
    let waits = json!({ "match": "POST /v2/invoicing/invoices/", "kind": "delay", "delay_ms": 3_000, "times": 2 });
    service.tell_sandbox("faults", &waits);
    for id in ids.as_array().unwrap() {
        service.tell_sandbox("events", &json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": id }));
    }
    service.lines.wait_for(" DRAFT, 10.00 USD");
    let (status, killed) = call("POST", &format!("{}/api/functions/webhook-process/kill", service.console), &[], None);
    assert_eq!(status, 200);
    assert!(killed.parse::<u32>().unwrap() >= 1);
    service.lines.wait_for("webhook-process FAILED: Runtime.ExitError");

    let outcomes = service.outcomes(&finished, EVENTS);
    assert!(outcomes.len() == EVENTS && outcomes.values().all(|outcome| outcome == "invoiced"), "{outcomes:?}");
    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), EVENTS, "{invoices:?}");
    for invoice in &invoices {
        assert_eq!(invoice["document"]["status"], "MARKED_AS_PAID", "{invoice}");
        assert_eq!((&invoice["sends"], &invoice["payments"]), (&json!(1), &json!(1)), "{invoice}");
    }
    for queue in ["errors", "errors.fifo"] {
        assert_eq!(service.depth(&service.queue(queue)), 0, "{queue}");
    }
}

#[test]
fn a_secret_that_was_changed_is_found_without_a_restart() {
    let service = Service::start("secret");
    let create = format!("{}/subscription/create", service.api);
    let wish = |number: u32| json!({ "plan_id": PLAN, "custom_id": format!("buyer-{number}") });
    assert_eq!(post(&create, &wish(1)).0, 200);
    service.tell_sandbox("secret", &json!({ "client_secret": "another" }));
    // Nobody has told the service yet.
    assert_eq!(post(&create, &wish(2)).0, 502);
    let secret = json!({ "client_id": "local-client", "client_secret": "another" }).to_string();
    let request = json!({ "SecretId": "paypal-subscriptions-local-paypal", "SecretString": secret }).to_string();
    let headers = [("x-amz-target", "secretsmanager.PutSecretValue"), ("content-type", "application/x-amz-json-1.1")];
    assert_eq!(call("POST", &service.aws, &headers, Some(&request)).0, 200);
    assert_eq!(post(&create, &wish(3)).0, 200);
}
