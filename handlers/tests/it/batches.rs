//! Batches of a FIFO queue: what comes back, and when.

use std::collections::HashMap;

use handlers::{
    batch::{self, Again, Batch, Record},
    process,
};
use paypal::events::Event;
use serde_json::json;

use crate::world::World;

fn record(id: &str, group: &str) -> Record {
    Record {
        message_id: id.to_owned(),
        receipt_handle: format!("handle-{id}"),
        body: String::new(),
        attributes: HashMap::from([("MessageGroupId".to_owned(), group.to_owned())]),
    }
}

#[tokio::test]
async fn rest_of_a_group_comes_back_together_with_the_message_that_failed() {
    let world = World::new(20).await;
    let records = [("a", "1"), ("b", "1"), ("c", "2"), ("d", "1")].map(|(id, group)| record(id, group));
    let worked_on = std::sync::Mutex::new(Vec::new());
    let failures = batch::fifo(Batch { records: records.into() }, &world.verified, |record| {
        worked_on.lock().unwrap().push(record.message_id.clone());
        async move { if record.message_id == "b" { Err(Again { after_seconds: Some(7) }) } else { Ok(()) } }
    })
    .await;
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }, { "itemIdentifier": "d" }] });
    assert_eq!(serde_json::to_value(failures).unwrap(), failed);
    let mut worked_on = worked_on.into_inner().unwrap();
    worked_on.sort();
    assert_eq!(worked_on, ["a", "b", "c"]);
    let mut retimed = world.script().retimed.clone();
    retimed.sort();
    assert_eq!(retimed, [("handle-b".to_owned(), 7), ("handle-d".to_owned(), 7)]);
}

#[test]
fn sale_that_waits_holds_back_its_own_refund_and_nothing_else_of_its_subscription() {
    let group = |event_type: &str, resource: serde_json::Value| {
        let event = json!({ "id": "WH-1", "event_type": event_type, "resource": resource }).to_string();
        process::group(&Event::parse(event.as_bytes()).unwrap())
    };
    let amount = json!({ "total": "10.00", "currency": "USD" });
    let sale = |id: &str| json!({ "id": id, "billing_agreement_id": "I-BW452GLLEP1G", "amount": amount });
    let completed = group("PAYMENT.SALE.COMPLETED", sale("1AB23456CD789012E"));
    assert_eq!(group("PAYMENT.SALE.PENDING", sale("1AB23456CD789012E")), completed);
    let refund = json!({ "id": "5RF23456CD7890123", "sale_id": "1AB23456CD789012E", "amount": amount });
    assert_eq!(group("PAYMENT.SALE.REFUNDED", refund), completed);
    assert_ne!(group("PAYMENT.SALE.COMPLETED", sale("2AB23456CD789012E")), completed);
    assert_ne!(group("BILLING.SUBSCRIPTION.CANCELLED", json!({ "id": "I-BW452GLLEP1G" })), completed);
}

#[test]
fn event_that_only_waited_is_not_tried_for_long() {
    let mut waited = record("a", "1");
    let now = jiff::Timestamp::now().as_millisecond();
    waited.attributes.insert("SentTimestamp".to_owned(), (now - 200_000_000).to_string());
    waited.attributes.insert("ApproximateFirstReceiveTimestamp".to_owned(), (now - 60_000).to_string());
    assert!((60..70).contains(&waited.tried_for_seconds()), "{}", waited.tried_for_seconds());
}
