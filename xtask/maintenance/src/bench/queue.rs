//! What a queue costs as it grows to a million messages: each call, and the memory.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    client::{Connection, Place},
    load::count,
    report::{Table, median, number},
    runners::{ACCOUNT, Runner, Workshop, ask, sqs},
};
use xtask::{context::Context, report::Failure};

/// So many messages lie in the queue when its calls are timed.
const DEPTHS: [u64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// As often each call is timed.
const ROUNDS: usize = 200;
/// As many a batch has.
const BATCH: u64 = 10;
/// What a message says, in bytes.
const BODY: usize = 100;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    let runner = workshop.ours_quiet(context)?;
    let (Some(aws), Some(console)) = (&runner.aws, runner.console()) else {
        return Err(Failure::new("the local cloud has no addresses"));
    };
    let mut connection = aws.connect();
    let url = format!("http://{}/{ACCOUNT}/plain", aws.address);
    let (mut depth, empty) = (0, resident(&runner));
    for wanted in DEPTHS {
        let since = Instant::now();
        let missing = wanted - depth;
        fill(aws, &mut connection, &url, missing)?;
        let filled = since.elapsed().as_secs_f64();
        depth = wanted;
        let times = calls(aws, &mut connection, &url)?;
        let at = count(wanted);
        for (call, times) in ["send", "receive", "delete"].into_iter().zip(&times) {
            let mut sorted = times.clone();
            sorted.sort_by(f64::total_cmp);
            table.point("messages in a queue", call, "ms", at, sorted.get(ROUNDS / 2).copied().unwrap_or_default());
        }
        let [send, receive, delete] = times;
        let text =
            format!("send {}, receive {}, delete {}", median(send, "ms"), median(receive, "ms"), median(delete, "ms"));
        table.add(format!("with {wanted} messages"), text, "the same at each");
        if wanted == 1_000_000 {
            let more = resident(&runner) - empty;
            let text = format!("{} MB, {} bytes a message of {BODY}", number(more), number(more * 1e6 / at));
            table.add("memory of a million messages", text, "");
            let rate = count(missing) / filled;
            table.add("sent in batches of ten", format!("{} messages/s", number(rate)), "");
        }
    }
    let since = Instant::now();
    let shown = ask(&mut console.connect(), &console.request("GET", "/api/queues/plain", &[], b""))?;
    let shown: Value = serde_json::from_str(&shown).map_err(Failure::from("/api/queues/plain"))?;
    let messages = shown.pointer("/messages").and_then(Value::as_array).map_or(0, Vec::len);
    let text = format!("{} ms", number(since.elapsed().as_secs_f64() * 1e3));
    table.add(format!("the console shows its first {messages}"), text, "");
    Ok(())
}

/// Resident memory of the local cloud, in MB.
fn resident(runner: &Runner) -> f64 {
    let own = runner.family().into_iter().find(|process| process.id == runner.id());
    own.map_or(0.0, |process| process.resident_mib * 1.048_576)
}

fn fill(aws: &Place, connection: &mut Connection, url: &str, messages: u64) -> Result<(), Failure> {
    let batch = |size: u64| {
        let entry = |at: u64| json!({ "Id": at.to_string(), "MessageBody": "x".repeat(BODY) });
        let entries: Vec<_> = (0..size).map(entry).collect();
        sqs(aws, "SendMessageBatch", &json!({ "QueueUrl": url, "Entries": entries }))
    };
    let whole = batch(BATCH);
    for _ in 0..messages / BATCH {
        ask(connection, &whole)?;
    }
    if !messages.is_multiple_of(BATCH) {
        ask(connection, &batch(messages % BATCH))?;
    }
    Ok(())
}

/// How long sending, receiving and deleting take, in milliseconds; the queue is as full as before in the end.
fn calls(aws: &Place, connection: &mut Connection, url: &str) -> Result<[Vec<f64>; 3], Failure> {
    let mut times = [const { Vec::new() }; 3];
    let mut timed = |connection: &mut Connection, at: usize, action: &str, body: &Value| {
        let request = sqs(aws, action, body);
        let since = Instant::now();
        let answer = ask(connection, &request)?;
        if let Some(times) = times.get_mut(at) {
            times.push(since.elapsed().as_secs_f64() * 1e3);
        }
        serde_json::from_str::<Value>(&answer).map_err(Failure::from(action))
    };
    for _ in 0..ROUNDS {
        timed(connection, 0, "SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x".repeat(BODY) }))?;
        let received = timed(connection, 1, "ReceiveMessage", &json!({ "QueueUrl": url }))?;
        let handle =
            received.pointer("/Messages/0/ReceiptHandle").ok_or_else(|| Failure::new("no message was received"))?;
        timed(connection, 2, "DeleteMessage", &json!({ "QueueUrl": url, "ReceiptHandle": handle }))?;
    }
    Ok(times)
}
