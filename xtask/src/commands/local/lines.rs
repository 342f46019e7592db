//! What is printed while the service runs: where it answers, then a line for each thing that happens.

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use contract::log_line::LogLine;
use local_cloud::{
    Running,
    activity::{Activity, What},
};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    task::JoinHandle,
};

use crate::{
    addresses::Addresses,
    report::{Failure, printable},
};

/// Prints the table of addresses and a `curl` line for each route.
pub(super) fn welcome(ready: &Addresses, running: &Running, took: Duration) {
    say(&format!("ready in {} ms\n", took.as_millis()));
    let addresses = [
        ("HTTP API", &ready.api, "the service"),
        ("console", &ready.console, "what happens, in a browser"),
        ("AWS", &ready.aws, "SNS, SQS, Secrets Manager, Logs, Lambda: aws --endpoint-url"),
        ("PayPal", &ready.paypal, "the sandbox: REST API, approval page, control under /_sandbox"),
    ];
    for (name, address, what) in addresses {
        say(&format!("  {name:<9} {address:<24} {what}"));
    }
    say("");
    for route in running.routes() {
        say(&format!("  {}", printable(&curl(&ready.api, &route.method, &route.path))));
    }
    let not_honoured = running.not_honoured();
    if !not_honoured.is_empty() {
        say("\nnot played here:");
        not_honoured.iter().for_each(|each| say(&format!("  {}", printable(each))));
    }
    say("\nCtrl-C stops everything\n");
}

/// Prints a line. Whoever reads may have read enough: that is no reason to stop.
pub(super) fn say(text: &str) {
    let _read_enough = writeln!(std::io::stdout(), "{text}");
}

fn curl(api: &str, method: &str, path: &str) -> String {
    let body = match path {
        "/subscription/create" => {
            r#" -H 'content-type: application/json' -d '{"plan_id":"P-5ML4271244454362WXNWU5NQ","custom_id":"buyer-1","given_name":"Ann","surname":"Lee","email_address":"ann@example.com"}'"#
        }
        _ if method == "GET" => "",
        _ => " -H 'content-type: application/json' -d '{}'",
    };
    let method = if method == "GET" || !body.is_empty() { String::new() } else { format!(" -X {method}") };
    format!("curl{method} {api}{path}{body}")
}

/// Prints a line for each thing that happens, until it is aborted. Names are shown without `prefix`, which all of them have.
pub(super) fn print(
    cloud: Receiver<Arc<Activity>>,
    sandbox: Receiver<paypal_sandbox::Activity>,
    prefix: String,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let start = Instant::now();
        tokio::join!(
            each(cloud, |happened| match failure(&happened.what, &prefix) {
                Some(failure) => {
                    crate::report::failure(&failure);
                    None
                }
                None => Some(line(start.elapsed(), &cloud_words(&happened.what, &prefix), happened.took)),
            }),
            each(sandbox, |happened| {
                Some(line(start.elapsed(), &format!("paypal    {}", happened.what), happened.took))
            }),
        );
    })
}

/// Prints only what a developer must know, until it is aborted.
pub(super) fn print_failures(cloud: Receiver<Arc<Activity>>, prefix: String) -> JoinHandle<()> {
    tokio::spawn(each(cloud, move |happened| {
        if let Some(failure) = failure(&happened.what, &prefix) {
            crate::report::failure(&failure);
        }
        None
    }))
}

/// A function that does not start is not a line among others.
fn failure(what: &What, prefix: &str) -> Option<Failure> {
    let What::NotStarted { function, error, message, log } = what else { return None };
    let name = function.strip_prefix(prefix).unwrap_or(function);
    let failure = Failure::new(printable(&format!("{name} does not start: {error}: {message}")));
    let log: String = log.iter().map(|line| format!("\n    {}", printable(&LogLine::read(line).to_string()))).collect();
    let help =
        if log.is_empty() { "it wrote nothing to its log".to_owned() } else { format!("its log ends with{log}") };
    Some(failure.help(help))
}

/// Has each thing put into words. What is there already is printed at once: under load, writing each line by itself would
/// cost more than what it tells of.
async fn each<T: Clone>(mut receiver: Receiver<T>, words: impl Fn(&T) -> Option<String>) {
    loop {
        let mut happened = receiver.recv().await;
        let mut lines = Vec::new();
        loop {
            match happened {
                Ok(happened) => lines.extend(words(&happened)),
                Err(RecvError::Lagged(missed)) => lines.push(format!("({missed} lines left out: they came too fast)")),
                Err(RecvError::Closed) => return,
            }
            happened = match receiver.try_recv() {
                Ok(more) => Ok(more),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            };
        }
        if !lines.is_empty() {
            say(&lines.join("\n"));
        }
    }
}

/// Functions, templates and callers have their words in it, and it is one line all the same.
fn line(at: Duration, words: &str, took: Option<Duration>) -> String {
    let took = took.map(|took| format!("  {:.1} ms", took.as_secs_f64() * 1000.0)).unwrap_or_default();
    format!("{:9.3}  {}{took}", at.as_secs_f64(), printable(words))
}

fn cloud_words(what: &What, prefix: &str) -> String {
    let short = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned();
    match what {
        What::Request { method, path, status, .. } => format!("request   {method} {path} -> {status}"),
        What::Published { topic, deliveries, .. } => {
            format!(
                "topic     {}, to {deliveries} subscription{}",
                short(topic),
                if *deliveries == 1 { "" } else { "s" }
            )
        }
        What::Sent { queue, .. } => format!("queue     {}", short(queue)),
        What::DeadLettered { queue, to, .. } => format!("given up  {} -> {}", short(queue), short(to)),
        What::Invoked { function, cold, error, .. } => {
            let cold = if *cold { ", cold" } else { "" };
            match error {
                None => format!("function  {}{cold}", short(function)),
                Some(error) => format!("function  {}{cold} FAILED: {error}", short(function)),
            }
        }
        What::Batch { queue, messages, failed: 0 } => format!("queue     {}: {messages} done", short(queue)),
        What::Batch { queue, messages, failed } => {
            format!("queue     {}: {failed} of {messages} FAILED and will come back", short(queue))
        }
        What::Again { function, seconds } => {
            format!("function  {} gets the event again in {seconds} s", short(function))
        }
        What::Alarm { alarm, state, reason } => format!("alarm     {} is {state}: {reason}", short(alarm)),
        What::Throttled { function } => format!("function  {} is throttled", short(function)),
        What::Notified { topic, endpoint, result, again, failed, .. } => {
            let then = match again {
                Some(seconds) => format!(", again in {seconds} s"),
                None if *failed => ", given up".to_owned(),
                None => String::new(),
            };
            format!("topic     {} -> {endpoint}: {result}{then}", short(topic))
        }
        What::Undelivered { topic } => format!("topic     {} could not deliver", short(topic)),
        What::Started { function, .. } => format!("function  {} started", short(function)),
        What::NotStarted { function, error, .. } => format!("function  {} does not start: {error}", short(function)),
        What::Logged { function, line } => format!("log       {}: {}", short(function), LogLine::read(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_its_message_and_what_it_is_about() {
        let logged = |line: &str| {
            let what = What::Logged { function: "shop-local-f".to_owned(), line: line.to_owned() };
            line_of(&cloud_words(&what, "shop-local-"))
        };
        let json = r#"{"timestamp":"t","level":"WARN","message":"no\u001b[31m","event_id":"WH-1"}"#;
        assert_eq!(logged(json), "log       f: WARN no\\u{1b}[31m, event_id=WH-1");
        assert_eq!(logged("plain\ttext"), "log       f: plain\\ttext");
    }

    /// What is said of something that happens, without its time.
    fn line_of(words: &str) -> String {
        line(Duration::ZERO, words, None).trim_start_matches([' ', '0', '.']).to_owned()
    }

    #[test]
    fn whatever_others_say_it_is_one_line_and_steers_no_terminal() {
        let hostile = "\u{1b}]0;x\u{7}\n::set-output name=x::y\u{202e}".to_owned();
        let said = r"\u{1b}]0;x\u{7}\n::set-output name=x::y\u{202e}";
        for what in [
            What::Invoked {
                function: hostile.clone(),
                request_id: String::new(),
                cold: false,
                error: Some(hostile.clone()),
            },
            What::Alarm { alarm: hostile.clone(), state: String::new(), reason: hostile.clone() },
            What::Undelivered { topic: hostile },
        ] {
            let line = line_of(&cloud_words(&what, ""));
            assert!(line.contains(said) && !line.contains(char::is_control), "{line}");
        }
    }

    #[test]
    fn names_are_shown_without_what_all_of_them_begin_with() {
        let what = What::Sent { queue: "shop-local-orders".to_owned(), message_id: "1".to_owned() };
        assert_eq!(cloud_words(&what, "shop-local-"), "queue     orders");
    }
}
