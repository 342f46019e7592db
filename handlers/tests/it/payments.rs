//! A buyer's payment and what becomes of it: invoices that nobody can pay twice, and outcomes that each have a name.

use contract::{
    config::PersonalData,
    event::{Finished, Outcome},
};
use handlers::{batch::Record, process::Processor};
use paypal::Deadline;
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    schedules::envelope,
    world::{PLAN, World},
};

/// One event through `webhook-process`, and what came of it.
struct Worked {
    finished: Vec<Finished>,
    /// Reasons and details of what was given up.
    rejected: Vec<(String, String)>,
    /// Whether the message comes again.
    again: bool,
    /// Requests to PayPal.
    calls: Vec<String>,
}

impl Worked {
    fn outcome(&self) -> Outcome {
        assert_eq!((self.finished.len(), self.again), (1, false), "{:?} {:?}", self.rejected, self.calls);
        self.finished[0].outcome
    }
}

async fn work_with(world: &World, processor: &Processor, made: &Value) -> Worked {
    {
        let mut script = world.script();
        (script.finished, script.rejected, script.paths) = Default::default();
    }
    let record = Record {
        message_id: "m".to_owned(),
        receipt_handle: "r".to_owned(),
        body: serde_json::to_string(&envelope(made["body"].as_str().unwrap(), &made["headers"])).unwrap(),
        attributes: Default::default(),
    };
    let again = processor.process(record, Deadline::after(Duration::from_secs(20))).await.is_err();
    let mut script = world.script();
    let rejected = std::mem::take(&mut script.rejected);
    Worked {
        finished: std::mem::take(&mut script.finished),
        rejected: rejected.into_iter().map(|rejected| (rejected.reason, rejected.detail)).collect(),
        again,
        calls: std::mem::take(&mut script.paths),
    }
}

async fn work(world: &World, made: &Value) -> Worked {
    work_with(world, &world.processor, made).await
}

async fn subscription(world: &World) -> String {
    let ids = world.control("subscriptions", Some(json!({ "plan_id": PLAN, "custom_id": "order-7" }))).await;
    ids[0].as_str().unwrap().to_owned()
}

/// An event of this type about a new payment of the subscription.
async fn event(world: &World, event_type: &str, subscription: &str) -> Value {
    let wanted = json!({ "event_type": event_type, "subscription": subscription, "deliver": false });
    world.control("events", Some(wanted)).await
}

/// An event of this type about this resource.
async fn event_about(world: &World, event_type: &str, resource: Value) -> Value {
    let wanted = json!({ "event": { "event_type": event_type, "resource": resource }, "deliver": false });
    world.control("events", Some(wanted)).await
}

fn resource(made: &Value) -> Value {
    let event: Value = serde_json::from_str(made["body"].as_str().unwrap()).unwrap();
    event["resource"].clone()
}

async fn only_invoice(world: &World) -> Value {
    let invoices = world.control("invoices", None).await;
    let invoices: Vec<_> = invoices.as_array().unwrap().iter().filter(|one| one["deleted"] != json!(true)).collect();
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    invoices[0].clone()
}

fn positions(calls: &[String], endings: &[&str]) -> Vec<usize> {
    endings.iter().map(|ending| calls.iter().position(|call| call.ends_with(ending)).unwrap()).collect()
}

#[tokio::test]
async fn buyer_is_notified_only_after_the_payment_is_recorded() {
    let world = World::new(30).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let worked = work(&world, &sale).await;
    assert_eq!(worked.outcome(), Outcome::Invoiced);
    let order = positions(&worked.calls, &["/send", "/payments", "?send_to_recipient=true&send_to_invoicer=false"]);
    assert!(order.is_sorted() && order[0] + 1 == order[1], "{:?}", worked.calls);
    let invoice = only_invoice(&world).await;
    assert_eq!(invoice["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
    assert_eq!(invoice["notices"], 1);
    let finished = &worked.finished[0];
    assert_eq!(finished.buyer_notified, Some(true));
    assert!(finished.invoice_url.as_ref().is_some_and(|url| url.contains("/invoice/p/#INV2-")), "{finished:?}");
    // Eight calls and a token. A repeat of the event takes half of them and changes nothing.
    assert_eq!(worked.calls.iter().filter(|call| !call.contains("oauth2")).count(), 8, "{:?}", worked.calls);
    let again = work(&world, &sale).await;
    assert_eq!((again.outcome(), again.calls.len()), (Outcome::Invoiced, 4), "{:?}", again.calls);
    assert_eq!(only_invoice(&world).await["notices"], 1);
}

#[tokio::test]
async fn recording_that_fails_is_tried_again_within_the_invocation() {
    let world = World::new(31).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    // Each call of the client that is made once, not repeated by itself.
    world.script().once.push(("/payments", 503));
    let worked = work(&world, &sale).await;
    assert_eq!(worked.outcome(), Outcome::Invoiced);
    assert_eq!(worked.calls.iter().filter(|call| call.ends_with("/payments")).count(), 2, "{:?}", worked.calls);
    assert_eq!(only_invoice(&world).await["payments"], 1);
}

#[tokio::test]
async fn invoice_that_the_buyer_paid_is_reported_as_paid_twice() {
    let world = World::new(32).await;
    let subscription = subscription(&world).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription).await;
    // The invoice is issued, and no payment can be recorded.
    world.script().answers.push(("payments", 503, "application/json", "{}".to_owned()));
    let waiting = work(&world, &sale).await;
    assert!(waiting.again && waiting.finished.is_empty(), "{:?}", waiting.calls);
    let id = only_invoice(&world).await["document"]["id"].as_str().unwrap().to_owned();
    world.control(&format!("invoices/{id}/pay"), Some(json!({}))).await;
    world.script().answers.clear();
    let worked = work(&world, &sale).await;
    assert_eq!(worked.outcome(), Outcome::PaidTwice);
    assert_eq!(worked.finished[0].invoice_id.as_deref(), Some(id.as_str()));
    assert_eq!(worked.finished[0].custom_id.as_deref(), Some("order-7"));
    assert_eq!(only_invoice(&world).await["notices"], 0);
}

#[tokio::test]
async fn invoice_whose_recording_is_refused_permanently_is_cancelled() {
    let world = World::new(33).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let refusal =
        json!({ "name": "UNPROCESSABLE_ENTITY", "debug_id": "1", "details": [{ "issue": "INVALID_INVOICE_TYPE" }] });
    world.script().answers.push(("payments", 422, "application/json", refusal.to_string()));
    let worked = work(&world, &sale).await;
    assert_eq!(worked.outcome(), Outcome::InvoiceFailed);
    let (reason, detail) = &worked.rejected[0];
    assert_eq!(reason, "invoice_cancelled");
    assert!(detail.contains("INVALID_INVOICE_TYPE") && detail.contains("fix: "), "{detail}");
    assert_eq!(only_invoice(&world).await["document"]["status"], "CANCELLED");
    // The failed event says whose it is.
    let finished = &worked.finished[0];
    assert_eq!(finished.plan_id.as_deref(), Some(PLAN));
    assert_eq!(finished.custom_id.as_deref(), Some("order-7"));
    assert_eq!(finished.reason.as_deref(), Some("invoice_cancelled"));
}

#[tokio::test]
async fn invoice_that_can_neither_be_recorded_nor_cancelled_says_what_to_do() {
    let world = World::new(34).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let refusal = json!({ "name": "UNPROCESSABLE_ENTITY", "debug_id": "1", "details": [{ "issue": "NO" }] });
    for call in ["payments", "cancel"] {
        world.script().answers.push((call, 422, "application/json", refusal.to_string()));
    }
    let worked = work(&world, &sale).await;
    let (reason, detail) = &worked.rejected[0];
    assert_eq!(reason, "invoice_not_withdrawn");
    assert!(detail.contains("INV2-") && detail.contains("fix: cancel it or mark it as paid"), "{detail}");
}

#[tokio::test]
async fn buyer_is_reminded_where_paypal_refuses_to_update_a_paid_invoice() {
    let world = World::new(35).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let refusal = json!({ "name": "UNPROCESSABLE_ENTITY", "debug_id": "1", "details": [{ "issue": "CANNOT_UPDATE" }] });
    let update = "?send_to_recipient=true&send_to_invoicer=false";
    world.script().answers.push((update, 422, "application/json", refusal.to_string()));
    world.script().answers.push(("remind", 204, "application/json", String::new()));
    let worked = work(&world, &sale).await;
    assert_eq!((worked.outcome(), worked.finished[0].buyer_notified), (Outcome::Invoiced, Some(true)));
    world.script().answers.clear();
    // The sandbox reminds nobody of an invoice that is paid.
    world.script().answers.push((update, 422, "application/json", refusal.to_string()));
    let worked = work(&world, &sale).await;
    assert_eq!((worked.outcome(), worked.finished[0].buyer_notified), (Outcome::Invoiced, Some(false)));
    assert!(worked.finished[0].invoice_url.is_some());
}

#[tokio::test]
async fn invoice_says_that_it_is_paid_and_has_no_date() {
    let world = World::new(36).await;
    let sale = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    work(&world, &sale).await;
    let document = &only_invoice(&world).await["document"];
    assert_eq!(
        document["detail"]["note"],
        "This payment was already made by your subscription. Nothing is left to pay."
    );
    assert_eq!(document["detail"]["invoice_date"], Value::Null);
    assert_eq!(document["payments"]["transactions"][0]["payment_date"], Value::Null);
    assert_eq!(document["payments"]["transactions"][0]["type"], "EXTERNAL");
}

#[tokio::test]
async fn scheduled_invoice_is_deleted_and_created_again_without_a_date() {
    let world = World::new(37).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let sale = resource(&made);
    let scheduled = json!({
        "detail": { "invoice_number": format!("SUB-{}", sale["id"].as_str().unwrap()), "currency_code": "USD",
            "reference": sale["id"], "invoice_date": "2099-01-01" },
        "invoicer": { "business_name": "Shop", "email_address": "billing@example.com" },
        "items": [{ "name": "Subscription", "quantity": "1", "unit_amount": { "currency_code": "USD", "value": "10.00" } }],
    });
    world.paypal_call("/v2/invoicing/invoices", &scheduled).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let worked = work(&world, &made).await;
    assert_eq!(worked.outcome(), Outcome::Invoiced);
    let invoice = only_invoice(&world).await;
    assert_eq!(invoice["history"], json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
    let all = world.control("invoices", None).await;
    assert_eq!(all[0]["history"], json!(["DRAFT", "SCHEDULED"]));
    assert_eq!(all[0]["deleted"], true);
}

#[tokio::test]
async fn sale_has_one_outcome_with_a_name_whatever_its_state() {
    let world = World::new(38).await;
    let subscription = subscription(&world).await;
    let amount = |total: &str| json!({ "total": total, "currency": "USD", "details": { "subtotal": total } });
    for (number, (members, outcome)) in [
        (json!({ "state": "completed", "payment_hold_status": "HELD" }), Outcome::Invoiced),
        (json!({ "state": "pending", "payment_hold_status": "HELD" }), Outcome::Invoiced),
        (json!({ "state": "partially_refunded" }), Outcome::Invoiced),
        (json!({ "state": "completed", "id": "short" }), Outcome::Invoiced),
        (json!({ "state": "completed", "id": "a_sale.with-other_letters_and_of_another_length" }), Outcome::Invoiced),
        (json!({ "state": "refunded" }), Outcome::SaleRefunded),
        (json!({ "state": "denied" }), Outcome::SaleDenied),
        (json!({ "state": "completed", "amount": amount("0.00") }), Outcome::NothingPaid),
        (json!({ "state": "completed", "billing_agreement_id": "B-5YM51074LT954623G" }), Outcome::NoSubscription),
        (json!({ "state": "completed", "billing_agreement_id": "S-1AB" }), Outcome::NoSubscription),
        (json!({ "state": "completed", "billing_agreement_id": "i-bw452gllep1g" }), Outcome::NoSubscription),
        (json!({ "state": "half_way" }), Outcome::InvoiceFailed),
    ]
    .into_iter()
    .enumerate()
    {
        let mut sale = json!({ "id": format!("1AB23456CD78901{number:02}"), "amount": amount("10.00"),
            "billing_agreement_id": subscription });
        sale.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let made = event_about(&world, "PAYMENT.SALE.COMPLETED", sale.clone()).await;
        let worked = work(&world, &made).await;
        assert_eq!(worked.outcome(), outcome, "{sale}");
        assert_eq!(worked.finished[0].sale_id.as_deref(), sale["id"].as_str());
        assert_eq!(worked.rejected.is_empty(), outcome != Outcome::InvoiceFailed, "{sale}");
    }
}

#[tokio::test]
async fn invoice_that_was_begun_is_settled_although_the_sale_is_refunded_by_now() {
    let world = World::new(39).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    world.script().answers.push(("send", 503, "application/json", "{}".to_owned()));
    assert!(work(&world, &made).await.again);
    world.script().answers.clear();
    let mut sale = resource(&made);
    sale["state"] = json!("refunded");
    event_about(&world, "PAYMENT.SALE.DENIED", sale).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(work(&world, &made).await.outcome(), Outcome::Invoiced);
}

#[tokio::test]
async fn cancelled_invoices_are_left_also_by_paypal_itself() {
    let world = World::new(40).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    work(&world, &made).await;
    let document = only_invoice(&world).await["document"].clone();
    for status in ["CANCELLED", "AUTO_CANCELLED", "REFUNDED", "MARKED_AS_REFUNDED"] {
        let mut document = document.clone();
        document["status"] = json!(status);
        let path = document["id"].as_str().unwrap().to_owned();
        world.script().answers.push((Box::leak(path.into_boxed_str()), 200, "application/json", document.to_string()));
        assert_eq!(work(&world, &made).await.outcome(), Outcome::InvoiceLeft, "{status}");
        world.script().answers.clear();
    }
}

#[tokio::test]
async fn number_that_is_taken_is_found_whatever_words_paypal_uses() {
    let world = World::new(41).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    world.script().answers.push(("send", 503, "application/json", "{}".to_owned()));
    assert!(work(&world, &made).await.again);
    world.script().answers.clear();
    tokio::time::sleep(Duration::from_millis(10)).await;
    // The first search finds nothing; creating is refused in words that are documented nowhere.
    let refusal = json!({ "name": "BUSINESS_ERROR", "debug_id": "1", "details": [{ "issue": "NUMBER_IN_USE" }] });
    world.script().first.push(("/v2/invoicing/search-invoices", 200, json!({ "items": [] }).to_string()));
    world.script().first.push(("/v2/invoicing/invoices", 422, refusal.to_string()));
    assert_eq!(work(&world, &made).await.outcome(), Outcome::Invoiced);
    assert_eq!(only_invoice(&world).await["document"]["status"], "MARKED_AS_PAID");
}

#[tokio::test]
async fn number_that_is_taken_is_searched_for_later_where_the_search_is_late() {
    let world = World::new(42).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    for (issue, again) in
        [("NUMBER_IN_USE", true), ("DUPLICATE_INVOICE_NUMBER", true), ("INVALID_STRING_LENGTH", false)]
    {
        let refusal = json!({ "name": "BUSINESS_ERROR", "debug_id": "1", "details": [{ "issue": issue }] });
        world.script().first.push(("/v2/invoicing/invoices", 422, refusal.to_string()));
        assert_eq!(work(&world, &made).await.again, again, "{issue}");
    }
}

#[tokio::test]
async fn refunds_reversals_and_disputes_have_the_subscription_of_their_sale() {
    let world = World::new(43).await;
    let subscription = subscription(&world).await;
    for event_type in
        ["PAYMENT.SALE.REFUNDED", "PAYMENT.SALE.REVERSED", "PAYMENT.SALE.DENIED", "CUSTOMER.DISPUTE.CREATED"]
    {
        let made = match event_type {
            "CUSTOMER.DISPUTE.CREATED" => {
                let sale = resource(&event(&world, "PAYMENT.SALE.COMPLETED", &subscription).await);
                let dispute = json!({ "dispute_id": "PP-D-1", "disputed_transactions": [
                    { "seller_transaction_id": sale["id"] }] });
                event_about(&world, event_type, dispute).await
            }
            _ => event(&world, event_type, &subscription).await,
        };
        let worked = work(&world, &made).await;
        assert_eq!(worked.outcome(), Outcome::Published, "{event_type}");
        let finished = &worked.finished[0];
        assert_eq!(finished.subscription_id.as_deref(), Some(subscription.as_str()), "{event_type}");
        assert_eq!(finished.plan_id.as_deref(), Some(PLAN), "{event_type}");
        assert_eq!(finished.custom_id.as_deref(), Some("order-7"), "{event_type}");
    }
    // A refund of a payment that no subscription made has no subscription, and never a sale's id in its place.
    let refund = json!({ "id": "5RF23456CD7890123", "sale_id": "1AB23456CD789012E",
        "amount": { "total": "1.00", "currency": "USD" } });
    let worked = work(&world, &event_about(&world, "PAYMENT.SALE.REFUNDED", refund.clone()).await).await;
    assert_eq!((worked.outcome(), &worked.finished[0].subscription_id), (Outcome::Published, &None));
    assert_eq!(worked.finished[0].sale_id.as_deref(), Some("1AB23456CD789012E"));
}

#[tokio::test]
async fn refund_whose_sale_cannot_be_read_waits_and_is_then_published_as_not_linked() {
    let world = World::new(44).await;
    let made = event(&world, "PAYMENT.SALE.REFUNDED", &subscription(&world).await).await;
    let unknown = json!({ "name": "INVALID_RESOURCE_ID", "message": "no", "debug_id": "1" });
    world.script().answers.push(("/v1/payments/sale/", 404, "application/json", unknown.to_string()));
    assert!(work(&world, &made).await.again);
    world.script().answers.clear();
    let refused = json!({ "name": "INVALID_REQUEST", "message": "no", "debug_id": "1" });
    world.script().answers.push(("/v1/payments/sale/", 400, "application/json", refused.to_string()));
    let worked = work(&world, &made).await;
    assert_eq!((worked.outcome(), worked.rejected.len()), (Outcome::LinkUnknown, 1));
    assert_eq!(worked.finished[0].subscription_id, None);
}

#[tokio::test]
async fn later_outcome_of_an_event_is_the_one_that_counts() {
    let world = World::new(45).await;
    let made = event(&world, "PAYMENT.SALE.COMPLETED", &subscription(&world).await).await;
    let refusal = json!({ "name": "NO", "debug_id": "1", "details": [{ "issue": "INVALID_PARAMETER_VALUE" }] });
    world.script().first.push(("/v2/invoicing/invoices", 422, refusal.to_string()));
    let failed = work(&world, &made).await.finished.remove(0);
    // The event is sent back from the error queue.
    let invoiced = work(&world, &made).await.finished.remove(0);
    assert_eq!((failed.outcome, invoiced.outcome), (Outcome::InvoiceFailed, Outcome::Invoiced));
    assert_eq!(failed.event_id, invoiced.event_id);
    assert!(failed.finished_at < invoiced.finished_at && failed.finished_at.len() == invoiced.finished_at.len());
    let attributes = &world.script().attributes;
    let times: Vec<_> = attributes.iter().filter_map(|all| all.get("finished_at").cloned()).collect();
    assert_eq!(times, [failed.finished_at, invoiced.finished_at]);
}

#[tokio::test]
async fn finished_holds_no_personal_data_where_the_environment_says_so() {
    let world = World::new(46).await;
    let subscription = subscription(&world).await;
    let made = event(&world, "BILLING.SUBSCRIPTION.ACTIVATED", &subscription).await;
    let included = work(&world, &made).await.finished.remove(0);
    assert_eq!(included.event.get(), made["body"].as_str().unwrap());
    assert!(included.event.get().contains("buyer-"));
    let processor = world.processor_with(PersonalData::Remove);
    let removed = work_with(&world, &processor, &made).await.finished.remove(0);
    let text = serde_json::to_string(&removed).unwrap();
    for personal in ["@example.com", "Buyer", "Sam", "payer_id"] {
        assert!(!text.contains(personal), "{text}");
    }
    assert_eq!(removed.subscription_id, Some(subscription));
    assert!(text.contains("order-7") && text.contains(PLAN), "{text}");
}
