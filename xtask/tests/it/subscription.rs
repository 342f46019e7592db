//! From the plan to the paid invoice.

use std::{collections::HashMap, fs};

use serde_json::{Value, json};

use crate::service::{PLAN, Service, at_once, binaries, call, post, root, scratch};

#[test]
fn a_subscription_becomes_a_paid_invoice_with_no_further_hand() {
    let service = Service::start("subscription");
    let finished = service.inbox("inbox");
    let (status, plans) = call("GET", &format!("{}/plans/list", service.api), &[], None);
    assert_eq!(status, 200, "{plans}");
    let plans: Value = serde_json::from_str(&plans).unwrap();
    let ids: Vec<_> = plans["plans"].as_array().unwrap().iter().map(|plan| plan["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&PLAN) && ids.len() == 2, "active plans only: {ids:?}");

    let wanted = json!({ "plan_id": PLAN, "custom_id": "buyer-1", "given_name": "Ann", "surname": "Lee",
        "email_address": "ann@example.com" });
    let (status, created) = post(&format!("{}/subscription/create", service.api), &wanted);
    assert_eq!(status, 200, "{created}");
    let created: Value = serde_json::from_str(&created).unwrap();
    let subscription = created["subscription_id"].as_str().unwrap();
    approve(created["approval_url"].as_str().unwrap(), &service.console);

    let mut events = HashMap::new();
    for _ in 0..3 {
        let event = service.next(&finished);
        assert_eq!(event["subscription_id"], subscription);
        events.insert(event["event_type"].as_str().unwrap().to_owned(), event);
    }
    for event_type in ["BILLING.SUBSCRIPTION.CREATED", "BILLING.SUBSCRIPTION.ACTIVATED"] {
        assert_eq!(events[event_type]["outcome"], "published");
    }
    let sale = &events["PAYMENT.SALE.COMPLETED"];
    assert_eq!((&sale["outcome"], &sale["custom_id"]), (&json!("invoiced"), &json!("buyer-1")));

    let invoices = service.sandbox("invoices");
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    let invoice = &invoices[0]["document"];
    assert_eq!(invoice["id"], sale["invoice_id"]);
    assert_eq!(invoice["status"], "MARKED_AS_PAID");
    assert_eq!(invoice["amount"], json!({ "currency_code": "USD", "value": "10.00" }));
    assert_eq!(invoice["due_amount"]["value"], "0.00");
    let buyer = &invoice["primary_recipients"][0]["billing_info"];
    assert_eq!(buyer["email_address"], "ann@example.com");
    assert_eq!(buyer["name"], json!({ "given_name": "Ann", "surname": "Lee" }));
    assert_eq!(invoices[0]["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
    for queue in ["errors", "errors.fifo"] {
        assert_eq!(service.depth(&service.queue(queue)), 0, "{queue}");
    }
}

/// What a buyer does: opens the page, presses Approve, and is sent back to the shop.
fn approve(page: &str, shop: &str) {
    let (status, html) = call("GET", page, &[], None);
    assert_eq!(status, 200);
    assert!(html.contains("Approve") && html.contains("Cancel") && html.contains("10.00"), "{html}");
    let action = html.split("action='").nth(1).unwrap().split('\'').next().unwrap();
    let target = format!("{}{action}", page.split('?').next().unwrap());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (status, location) = call("POST", &target, &headers, Some("decision=approve"));
    assert_eq!(status, 303);
    assert!(location.starts_with(&format!("{shop}/approved?subscription_id=I-")), "{location}");
    assert_eq!(call("GET", &location, &[], None).0, 200);
}

#[test]
fn cancelling_on_the_page_leads_to_the_cancel_address_and_charges_nothing() {
    let service = Service::start("cancelling");
    // As the service that came before spelled it.
    let wanted = json!({ "plan_id": PLAN, "custom_id": "buyer-2", "give_name": "Ann", "surname": "Lee",
        "email_address": "ann@example.com" });
    let (status, created) = post(&format!("{}/subscription/create", service.api), &wanted);
    assert_eq!(status, 200, "{created}");
    let created: Value = serde_json::from_str(&created).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = created["approval_url"].as_str().unwrap();
    let (status, location) = call("POST", page, &headers, Some("decision=cancel"));
    assert_eq!(status, 303);
    assert!(location.starts_with(&format!("{}/cancelled?", service.console)), "{location}");
    let subscriptions = service.sandbox("subscriptions");
    assert_eq!(subscriptions[0]["status"], "APPROVAL_PENDING");
    assert_eq!(subscriptions[0]["subscriber"]["name"]["given_name"], "Ann");
    assert!(service.sandbox("invoices").is_empty());
}

#[test]
fn renewals_and_first_payments_at_once_have_an_invoice_each() {
    let service = std::sync::Arc::new(Service::start("renewals"));
    let finished = service.inbox("inbox");
    let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": 51 }));
    let ids: Vec<String> = serde_json::from_value(ids).unwrap();
    // The first subscription renews twice, the fifty others once, all at the same time.
    let renewing: Vec<_> = std::iter::once(ids[0].clone()).chain(ids).collect();
    let (asked, count) = (std::sync::Arc::clone(&service), renewing.len());
    at_once(count, move |number| asked.tell_sandbox(&format!("subscriptions/{}/renew", renewing[number]), &json!({})));

    let outcomes = service.outcomes(&finished, count);
    assert_eq!(outcomes.len(), count);
    assert!(outcomes.values().all(|outcome| outcome == "invoiced"), "{outcomes:?}");
    let invoices = service.sandbox("invoices");
    let mut sales: Vec<_> = invoices.iter().map(|invoice| invoice["document"]["detail"]["reference"].clone()).collect();
    sales.sort_by_key(Value::to_string);
    sales.dedup();
    assert_eq!((invoices.len(), sales.len()), (count, count));
    for invoice in &invoices {
        // Two that worked on one sale at a time would have sent or paid it twice, or been refused.
        assert_eq!(invoice["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]), "{invoice}");
        assert_eq!((&invoice["sends"], &invoice["payments"]), (&json!(1), &json!(1)));
    }
    let refused = service.lines.all();
    assert!(!refused.contains("/v2/invoicing/invoices -> 422"), "an invoice was made twice");
}

#[test]
fn key_that_is_used_again_gets_the_same_subscription_and_never_anothers() {
    let service = Service::start("idempotency");
    let create = format!("{}/subscription/create", service.api);
    let wish = |custom_id: &str| json!({ "plan_id": PLAN, "custom_id": custom_id }).to_string();
    let ask = |key: &str, wish: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let (status, body) = call("POST", &create, &headers, Some(wish));
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, first) = ask("key-1", &wish("buyer-1"));
    assert_eq!(status, 200, "{first}");
    assert_eq!(ask("key-1", &wish("buyer-1")), (200, first.clone()));
    let (status, other) = ask("key-2", &wish("buyer-1"));
    assert!(status == 200 && other["subscription_id"] != first["subscription_id"], "{other}");
    // Another caller who chose the same key.
    let (status, strangers) = ask("key-1", &wish("buyer-2"));
    assert!(status == 200 && strangers["subscription_id"] != first["subscription_id"], "{strangers}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    call("POST", first["approval_url"].as_str().unwrap(), &headers, Some("decision=approve"));
    let (status, late) = ask("key-1", &wish("buyer-1"));
    assert_eq!((status, &late["title"]), (409, &json!("the subscription exists")), "{late}");
    assert!(!late.to_string().contains(first["subscription_id"].as_str().unwrap()), "{late}");
    assert_eq!(service.sandbox("subscriptions").len(), 3);
}

/// The environment file alone decides: the stack generates the key, and the function reads it with its own role.
#[test]
fn service_with_shop_signature_creates_signed_subscriptions_only() {
    let folder = scratch("signed");
    for part in ["environments", "infra"] {
        fs::create_dir(folder.join(part)).unwrap();
    }
    let text = fs::read_to_string(root().join("environments/local.yaml")).unwrap();
    let signed = text.replacen("\napi:\n", "\napi:\n  subscription_create: shop-signature\n", 1);
    assert_ne!(signed, text);
    fs::write(folder.join("environments/local.yaml"), signed).unwrap();
    let service = Service::start_in(&folder, "signed-service", &["--binaries", binaries().to_str().unwrap()]);
    let secrets_manager = |action: &str, request: Value| {
        let target = format!("secretsmanager.{action}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
        let (status, body) = call("POST", &service.aws, &headers, Some(&request.to_string()));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let secret = "paypal-subscriptions-local-shop";
    let generated = secrets_manager("GetSecretValue", json!({ "SecretId": secret }))["SecretString"].clone();
    let generated: Value = serde_json::from_str(generated.as_str().unwrap()).unwrap();
    assert_eq!(generated["signing_key"].as_str().unwrap().len(), 64);

    // A key that is known here, before the function first starts.
    let key = json!({ "signing_key": "0123456789abcdef0123456789abcdef" }).to_string();
    secrets_manager("PutSecretValue", json!({ "SecretId": secret, "SecretString": key }));
    let create = format!("{}/subscription/create", service.api);
    assert_eq!(post(&create, &json!({ "plan_id": PLAN, "custom_id": "buyer-1" })).0, 403);
    // openssl's, for buyer-1.
    let signature = "7ae12c8480e353611339be90a761f154dbf05f857750dfe77b5b8dbd489fd4d4";
    let signed = |custom_id: &str| json!({ "plan_id": PLAN, "custom_id": custom_id, "expires_at": 9_999_999_999_i64, "signature": signature });
    assert_eq!(post(&create, &signed("buyer-2")).0, 403);
    let (status, created) = post(&create, &signed("buyer-1"));
    assert_eq!(status, 200, "{created}");
    assert_eq!(service.sandbox("subscriptions").len(), 1);
}
