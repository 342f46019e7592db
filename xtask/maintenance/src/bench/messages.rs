//! What a message costs: from a topic to a function, to whoever waits at a queue, and the server's processor time.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    client::Place,
    report::{Table, median},
    runners::{ACCOUNT, REGION, Runner, Workshop, ask, query, sqs},
};
use xtask::{context::Context, report::Failure};

/// So many messages are timed.
const ROUNDS: usize = 100;
/// So many are sent, received and deleted for what they cost.
const MESSAGES: u32 = 1_000;
/// How long a receiver is given to block before a message is sent.
const BLOCKED: Duration = Duration::from_millis(10);
/// Longer than a message takes.
const PATIENCE: Duration = Duration::from_secs(10);

type All = BTreeMap<&'static str, Vec<f64>>;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    workshop
        .missing()
        .into_iter()
        .filter(|(peer, _)| *peer == "ministack")
        .for_each(|(peer, why)| table.missing(peer, why));
    let (ours, ministack) = (workshop.ours(context)?, workshop.ministack()?);
    let runners: Vec<(&Runner, &Place)> =
        std::iter::once(&ours).chain(&ministack).filter_map(|runner| Some((runner, runner.aws.as_ref()?))).collect();
    let (mut entered, mut woken, mut cpu) = (All::new(), All::new(), All::new());
    for _ in 0..ROUNDS {
        for (runner, aws) in &runners {
            entered.entry(runner.name).or_default().push(until_entered(aws)?);
            woken.entry(runner.name).or_default().push(until_woken(aws)?);
        }
    }
    for _ in 0..5 {
        for (runner, aws) in &runners {
            let before = runner.cpu_ms();
            for _ in 0..MESSAGES / 5 {
                send_receive_delete(aws, &mut aws.connect())?;
            }
            cpu.entry(runner.name).or_default().push((runner.cpu_ms() - before) * 1e3 * 5.0 / f64::from(MESSAGES));
        }
    }
    let wanted = |name: &str, wanted| if name == "local" { wanted } else { "" };
    for (what, unit, all, limit) in [
        ("published until the function has it", "ms", &entered, "at most 2 ms"),
        ("sent until a blocked long poll has it", "ms", &woken, "at most 1 ms"),
        ("CPU of the server, a message sent, received and deleted", "µs", &cpu, ""),
    ] {
        for (name, values) in all {
            table.add(format!("{name}: {what}"), median(values.clone(), unit), wanted(name, limit));
        }
    }
    if let (Some(ours), Some(theirs)) = (cpu.get("local"), cpu.get("ministack")) {
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        table.add("CPU of the server a message, of ministack's", median(ratios, "times"), "at most 0.1");
    }
    Ok(())
}

/// How long a message takes from before it is published until the function says that it has it, in milliseconds.
fn until_entered(aws: &Place) -> Result<f64, Failure> {
    let cannot = "cannot listen to the function";
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(Failure::from(cannot))?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(Failure::from(cannot))?;
    let port = socket.local_addr().map_err(Failure::from(cannot))?.port();
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:events");
    let message = format!("tell={port} ");
    let publish = query(aws, "sns", "2010-03-31", "Publish", &[("TopicArn", &topic), ("Message", &message)]);
    let mut connection = aws.connect();
    let since = Instant::now();
    ask(&mut connection, &publish)?;
    socket.recv(&mut [0; 16]).map_err(Failure::from("the function got no message"))?;
    Ok(since.elapsed().as_secs_f64() * 1e3)
}

fn plain(aws: &Place) -> String {
    format!("http://{}/{ACCOUNT}/plain", aws.address)
}

/// How long a message takes from before it is sent until whoever waits at its queue has it, in milliseconds.
fn until_woken(aws: &Place) -> Result<f64, Failure> {
    let receive = sqs(aws, "ReceiveMessage", &json!({ "QueueUrl": plain(aws), "WaitTimeSeconds": 20 }));
    let (answer, received) = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let answer = ask(&mut aws.connect(), &receive)?;
            Ok::<_, Failure>((answer, Instant::now()))
        });
        thread::sleep(BLOCKED);
        let send = sqs(aws, "SendMessage", &json!({ "QueueUrl": plain(aws), "MessageBody": "hello" }));
        let mut connection = aws.connect();
        let since = Instant::now();
        ask(&mut connection, &send)?;
        let (answer, at) = waiting.join().map_err(|_| Failure::new("a receiver panicked"))??;
        Ok::<_, Failure>((answer, at.saturating_duration_since(since)))
    })?;
    delete(aws, &mut aws.connect(), &answer)?;
    Ok(received.as_secs_f64() * 1e3)
}

fn send_receive_delete(aws: &Place, connection: &mut super::client::Connection) -> Result<(), Failure> {
    ask(connection, &sqs(aws, "SendMessage", &json!({ "QueueUrl": plain(aws), "MessageBody": "hello" })))?;
    let received = ask(connection, &sqs(aws, "ReceiveMessage", &json!({ "QueueUrl": plain(aws) })))?;
    delete(aws, connection, &received)
}

fn delete(aws: &Place, connection: &mut super::client::Connection, received: &str) -> Result<(), Failure> {
    let received: Value = serde_json::from_str(received).map_err(Failure::from("ReceiveMessage"))?;
    let handle =
        received.pointer("/Messages/0/ReceiptHandle").ok_or_else(|| Failure::new("no message was received"))?;
    ask(connection, &sqs(aws, "DeleteMessage", &json!({ "QueueUrl": plain(aws), "ReceiptHandle": handle })))?;
    Ok(())
}
