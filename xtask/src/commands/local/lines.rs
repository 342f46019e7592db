//! What is printed while the service runs: where it answers, then a line for each thing that happens.

use std::time::{Duration, Instant};

use local_cloud::{
    Running,
    activity::{Activity, What},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
};

use super::Ready;

/// Prints the table of addresses and a `curl` line for each route.
pub(super) fn welcome(ready: &Ready, running: &Running, took: Duration) {
    println!("ready in {} ms\n", took.as_millis());
    let addresses = [
        ("HTTP API", &ready.api, "the service"),
        ("console", &ready.console, "what happens, in a browser"),
        ("AWS", &ready.aws, "SNS, SQS, Secrets Manager, Logs, Lambda: aws --endpoint-url"),
        ("PayPal", &ready.paypal, "the sandbox: REST API, approval page, control under /_sandbox"),
    ];
    for (name, address, what) in addresses {
        println!("  {name:<9} {address:<24} {what}");
    }
    println!();
    for route in running.routes() {
        println!("  {}", curl(&ready.api, &route.method, &route.path));
    }
    let not_honoured = running.not_honoured();
    if !not_honoured.is_empty() {
        println!("\nnot played here:");
        for each in not_honoured {
            println!("  {each}");
        }
    }
    println!();
}

fn curl(api: &str, method: &str, path: &str) -> String {
    let body = match path {
        "/subscription/create" => {
            r#" --json '{"plan_id":"P-5ML4271244454362WXNWU5NQ","custom_id":"buyer-1","given_name":"Ann","surname":"Lee","email_address":"ann@example.com"}'"#
        }
        _ if method == "GET" => "",
        _ => " --json '{}'",
    };
    let method = if method == "GET" || !body.is_empty() { String::new() } else { format!(" -X {method}") };
    format!("curl{method} {api}{path}{body}")
}

/// Prints a line for each thing that happens, until it is aborted.
pub(super) fn print(
    cloud: Receiver<Activity>,
    sandbox: Receiver<paypal_sandbox::Activity>,
    quiet: bool,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if quiet {
            return;
        }
        let start = Instant::now();
        tokio::join!(
            each(cloud, |happened| line(start, &cloud_words(&happened.what), happened.took)),
            each(sandbox, |happened| line(start, &format!("paypal   {}", happened.what), happened.took)),
        );
    })
}

async fn each<T: Clone>(mut receiver: Receiver<T>, print: impl Fn(&T)) {
    loop {
        match receiver.recv().await {
            Ok(happened) => print(&happened),
            Err(RecvError::Lagged(missed)) => println!("({missed} lines left out: they came too fast)"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn line(start: Instant, words: &str, took: Option<Duration>) {
    let took = took.map(|took| format!("  {:.1} ms", took.as_secs_f64() * 1000.0)).unwrap_or_default();
    println!("{:9.3}  {words}{took}", start.elapsed().as_secs_f64());
}

fn cloud_words(what: &What) -> String {
    match what {
        What::Request { method, path, status } => format!("request  {method} {path} -> {status}"),
        What::Published { topic, deliveries, .. } => format!("topic    {topic} to {deliveries} subscriptions"),
        What::Sent { queue, .. } => format!("queue    {queue}"),
        What::DeadLettered { queue, to, .. } => format!("given up {queue} -> {to}"),
        What::Invoked { function, cold, error, .. } => {
            let cold = if *cold { " (cold)" } else { "" };
            match error {
                None => format!("function {function}{cold}"),
                Some(error) => format!("function {function}{cold} failed: {error}"),
            }
        }
        What::NotStarted { function, error, message } => {
            format!("function {function} DOES NOT START: {error}: {}; its log is above", printable(message))
        }
        What::Logged { function, line } => format!("log      {function} {}", printable(line)),
    }
}

/// A log's line with its control characters shown, so that it cannot steer the terminal.
fn printable(line: &str) -> String {
    line.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}
