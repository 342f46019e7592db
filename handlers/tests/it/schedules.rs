//! Exactly once, whatever happens: random schedules of duplicates, reordering, crashes after each single call, refusals and
//! lost answers.
//!
//! As many schedules as `PROPTEST_CASES` says, 150 without.

use std::collections::{BTreeMap, BTreeSet};

use contract::event::{Envelope, Outcome, SignatureHeaders};
use handlers::batch::{self, Batch, Record};
use paypal::Deadline;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use std::time::Duration;

use crate::world::{Fault, PLAN, World};

/// As many invocations no schedule needs.
const MOST_ROUNDS: usize = 400;

/// What happens, all of it.
#[derive(Clone, Debug)]
struct Schedule {
    /// Each event and how often it is delivered.
    events: Vec<(Kind, usize)>,
    /// Which calls go wrong, and how.
    faults: BTreeMap<usize, Fault>,
    /// From which the order of deliveries and batches follows.
    order: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A completed sale of this subscription.
    Sale(usize),
    /// The sale of the event before, told by another event.
    SameSale,
    /// Something else about a subscription.
    Other(usize),
    /// A completed sale that belongs to no subscription.
    Foreign,
    /// A genuine event with one byte changed on the way.
    Forged(usize),
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let kind = prop_oneof![
        5 => (0..2_usize).prop_map(Kind::Sale),
        2 => Just(Kind::SameSale),
        2 => (0..2_usize).prop_map(Kind::Other),
        1 => Just(Kind::Foreign),
        1 => (0..2_usize).prop_map(Kind::Forged),
    ];
    let fault = prop_oneof![
        prop_oneof![Just(429_u16), Just(500), Just(503), Just(401), Just(409)].prop_map(Fault::Refused),
        Just(Fault::LostAnswer),
        Just(Fault::Silence),
        Just(Fault::CrashBefore),
        Just(Fault::CrashAfter),
    ];
    let events = proptest::collection::vec((kind, 1..3_usize), 1..5);
    (events, proptest::collection::btree_map(1..60_usize, fault, 0..10), any::<u64>())
        .prop_map(|(events, faults, order)| Schedule { events, faults, order })
}

#[test]
fn each_completed_sale_has_one_paid_invoice_and_each_event_its_end_whatever_goes_wrong() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(150);
    let world = std::cell::RefCell::new((runtime.block_on(World::new(1)), 0_u64));
    let mut runner = TestRunner::new(Config { cases, source_file: Some(file!()), ..Config::default() });
    let result = runner.run(&schedule(), |schedule| {
        let mut world = world.borrow_mut();
        world.1 += 1;
        if world.1.is_multiple_of(100) {
            // What the sandbox remembers makes it slower; a new one remembers nothing.
            let fresh = runtime.block_on(World::new(world.1));
            let old = std::mem::replace(&mut world.0, fresh);
            runtime.block_on(old.end());
        }
        runtime.block_on(run(&world.0, &schedule))
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A message of a queue.
#[derive(Clone)]
struct Message {
    record: Record,
    group: String,
    receives: u32,
}

fn message(number: usize, group: &str, body: String) -> Message {
    let attributes = [("MessageGroupId".to_owned(), group.to_owned())];
    let record = Record {
        message_id: format!("m-{number}"),
        receipt_handle: format!("r-{number}"),
        body,
        attributes: attributes.into_iter().collect(),
    };
    Message { record, group: group.to_owned(), receives: 0 }
}

/// What the events of a schedule should come to.
#[derive(Default)]
struct Expected {
    /// Ids of sales that have an invoice in the end.
    sales: BTreeSet<String>,
    /// Outcomes by event id.
    outcomes: BTreeMap<String, Outcome>,
    /// Bodies that must be refused.
    forged: Vec<Vec<u8>>,
}

async fn run(world: &World, schedule: &Schedule) -> Result<(), TestCaseError> {
    *world.script() = Default::default();
    let (unverified, expected) = deliveries(world, schedule).await;
    *world.script() = crate::world::Script { faults: schedule.faults.clone(), ..Default::default() };
    let mut random = fastrand::Rng::with_seed(schedule.order);
    verify(world, unverified, &mut random).await;
    // A crash between sending on and deleting sends on twice; SQS knows most of these repeats, here none is known.
    let verified = std::mem::take(&mut world.script().verified);
    let verified = verified.into_iter().enumerate().map(|(number, (group, body))| message(number, &group, body));
    process(world, verified.collect(), &mut random).await;
    judge(world, &expected).await
}

/// The deliveries of a schedule's events, in random order, as they lie in `unverified`.
async fn deliveries(world: &World, schedule: &Schedule) -> (Vec<Message>, Expected) {
    let ids = world.control("subscriptions", Some(json!({ "plan_id": PLAN, "count": 2 }))).await;
    let subscription = |at: usize| ids[at].as_str().unwrap().to_owned();
    let (mut expected, mut all, mut last_sale) = (Expected::default(), Vec::new(), None::<Value>);
    for (kind, times) in &schedule.events {
        let wanted = match (kind, &last_sale) {
            (Kind::Sale(at) | Kind::Forged(at), _) => sale_event(&subscription(*at)),
            (Kind::SameSale, Some(sale)) => {
                json!({ "event": { "event_type": "PAYMENT.SALE.COMPLETED", "resource": sale } })
            }
            (Kind::SameSale, None) => sale_event(&subscription(0)),
            (Kind::Other(at), _) => {
                json!({ "event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "subscription": subscription(*at) })
            }
            (Kind::Foreign, _) => json!({ "event": { "event_type": "PAYMENT.SALE.COMPLETED", "resource": {
                "id": "1AB23456CD789012E", "state": "completed", "amount": { "total": "5.00", "currency": "USD" } } } }),
        };
        let mut wanted = wanted;
        wanted["deliver"] = json!(false);
        let made = world.control("events", Some(wanted)).await;
        let mut body = made["body"].as_str().unwrap().to_owned();
        let event: Value = serde_json::from_str(&body).unwrap();
        let id = event["id"].as_str().unwrap().to_owned();
        match kind {
            Kind::Forged(_) => {
                body = body.replacen("10.00", "10.01", 1);
                expected.forged.push(body.clone().into_bytes());
            }
            Kind::Sale(_) | Kind::SameSale => {
                last_sale = Some(event["resource"].clone());
                expected.sales.insert(event["resource"]["id"].as_str().unwrap().to_owned());
                expected.outcomes.insert(id, Outcome::Invoiced);
            }
            Kind::Other(_) => drop(expected.outcomes.insert(id, Outcome::Published)),
            Kind::Foreign => drop(expected.outcomes.insert(id, Outcome::NoSubscription)),
        }
        let envelope = serde_json::to_string(&envelope(&body, &made["headers"])).unwrap();
        all.extend(std::iter::repeat_n(envelope, *times));
    }
    fastrand::Rng::with_seed(schedule.order).shuffle(&mut all);
    (all.into_iter().enumerate().map(|(number, body)| message(number, "", body)).collect(), expected)
}

fn sale_event(subscription: &str) -> Value {
    json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": subscription })
}

pub(crate) fn envelope(body: &str, headers: &Value) -> Envelope {
    let header = |name: &str| headers[format!("paypal-{name}")].as_str().unwrap().to_owned();
    Envelope {
        received_at: jiff::Timestamp::now().to_string(),
        headers: SignatureHeaders {
            transmission_id: header("transmission-id"),
            transmission_time: header("transmission-time"),
            transmission_sig: header("transmission-sig"),
            cert_url: header("cert-url"),
            auth_algo: header("auth-algo"),
        },
        body: body.as_bytes().to_vec(),
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// Batches of messages in any order, until none is left.
async fn verify(world: &World, mut queue: Vec<Message>, random: &mut fastrand::Rng) {
    let mut number = 1000;
    for _ in 0..MOST_ROUNDS {
        if queue.is_empty() {
            return;
        }
        random.shuffle(&mut queue);
        let size = random.usize(1..=queue.len());
        let batch = receive(&mut queue, &(0..size).collect::<Vec<_>>());
        let work = batch::standard(batch, |record| world.checker.check(record, deadline()));
        let done = tokio::select! {
            biased;
            () = world.crashed() => None,
            failures = work => Some(failures),
        };
        if let Some(failures) = done {
            remove(&mut queue, size, &serde_json::to_value(failures).unwrap());
        }
        // What has to wait comes back as a new message.
        for (body, _) in std::mem::take(&mut world.script().delayed) {
            number += 1;
            queue.push(message(number, "", body));
        }
    }
    panic!("the queue is not empty after {MOST_ROUNDS} rounds");
}

/// Batches of whole groups, the messages of each in their order, until none is left.
async fn process(world: &World, mut queue: Vec<Message>, random: &mut fastrand::Rng) {
    for _ in 0..MOST_ROUNDS {
        if queue.is_empty() {
            return;
        }
        // Groups in any order; within a group nothing overtakes.
        let mut groups: Vec<String> = queue.iter().map(|message| message.group.clone()).collect();
        groups.sort();
        groups.dedup();
        random.shuffle(&mut groups);
        queue.sort_by_key(|message| groups.iter().position(|group| *group == message.group));
        let size = random.usize(1..=queue.len());
        let batch = receive(&mut queue, &(0..size).collect::<Vec<_>>());
        let work = batch::fifo(batch, &world.verified, |record| world.processor.process(record, deadline()));
        let done = tokio::select! {
            biased;
            () = world.crashed() => None,
            failures = work => Some(failures),
        };
        if let Some(failures) = done {
            remove(&mut queue, size, &serde_json::to_value(failures).unwrap());
        }
    }
    panic!("the queue is not empty after {MOST_ROUNDS} rounds");
}

fn receive(queue: &mut [Message], places: &[usize]) -> Batch {
    let records = places.iter().map(|at| {
        let message = &mut queue[*at];
        message.receives += 1;
        let count = ("ApproximateReceiveCount".to_owned(), message.receives.to_string());
        message.record.attributes.extend([count]);
        message.record.clone()
    });
    Batch { records: records.collect() }
}

/// Deletes the first `size` messages but those that failed.
fn remove(queue: &mut Vec<Message>, size: usize, failures: &Value) {
    let failed: BTreeSet<_> = failures["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap().to_owned())
        .collect();
    let rest = queue.split_off(size);
    queue.retain(|message| failed.contains(&message.record.message_id));
    queue.extend(rest);
}

/// From the outside: what PayPal has, what `finished` and the error queues got.
async fn judge(world: &World, expected: &Expected) -> Result<(), TestCaseError> {
    let invoices = world.control("invoices", None).await;
    for sale in &expected.sales {
        let of_sale = |invoice: &&Value| invoice["document"]["detail"]["reference"] == json!(sale);
        let found: Vec<_> = invoices.as_array().unwrap().iter().filter(of_sale).collect();
        prop_assert_eq!(found.len(), 1, "sale {}: {:?}", sale, found);
        prop_assert_eq!(&found[0]["document"]["status"], "MARKED_AS_PAID");
        prop_assert_eq!(&found[0]["history"], &json!(["DRAFT", "UNPAID", "MARKED_AS_PAID"]));
        let counts = (&found[0]["sends"], &found[0]["payments"], &found[0]["notices"]);
        prop_assert_eq!(counts, (&json!(1), &json!(1), &json!(1)));
    }
    let script = world.script();
    for finished in &script.finished {
        prop_assert_eq!(Some(&finished.outcome), expected.outcomes.get(&finished.event_id), "{}", finished.event_id);
    }
    let told: BTreeSet<_> = script.finished.iter().map(|finished| &finished.event_id).collect();
    prop_assert_eq!(told, expected.outcomes.keys().collect::<BTreeSet<_>>());
    for rejected in &script.rejected {
        prop_assert_eq!(&rejected.reason, "wrong_signature");
        let body = rejected.envelope.as_ref().map(|envelope| envelope.body.clone()).unwrap_or_default();
        prop_assert!(expected.forged.contains(&body), "a genuine event was rejected");
    }
    for forged in &expected.forged {
        let is_it = |body: &[u8]| body == forged;
        prop_assert!(
            script.rejected.iter().any(|rejected| rejected.envelope.as_ref().is_some_and(|it| is_it(&it.body)))
        );
    }
    Ok(())
}
