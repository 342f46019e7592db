//! `event new` and `event send`: a PayPal event, signed by the sandbox, and its way to the service.

use std::{
    fs,
    io::{Read, Write, stdin},
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    addresses,
    cli::{EventNew, EventSend, LOCAL},
    context::Context,
    report::{Failure, printable},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A delivery: what `event new` prints, and `event send` reads.
#[derive(Serialize, Deserialize)]
struct Delivery {
    /// The event, byte for byte as it is signed.
    body: String,
    /// PayPal's headers.
    headers: Map<String, Json>,
}

pub(crate) fn new(context: &Context, options: &EventNew) -> Result<(), Failure> {
    let sandbox = match &options.paypal {
        Some(url) => url.clone(),
        None => addresses::find(context, LOCAL)?.paypal,
    };
    let url = format!("{}/_sandbox/events", sandbox.trim_end_matches('/'));
    let mut wanted = json!({ "event_type": options.event_type, "deliver": false });
    if let (Some(subscription), Some(members)) = (&options.subscription, wanted.as_object_mut()) {
        members.insert("subscription".to_owned(), json!(subscription));
    }
    let headers = Map::from_iter([("content-type".to_owned(), json!("application/json"))]);
    let (status, answer) = post(&url, &headers, &wanted.to_string())?;
    if status != 200 {
        return Err(Failure::new(format!("the sandbox answers {status}: {}", printable(&answer)))
            .help("`event new --help` shows what it takes"));
    }
    let delivery: Delivery = serde_json::from_str(&answer).map_err(|_| {
        Failure::new(format!("{url} is no sandbox of this project")).help("name its address with --paypal")
    })?;
    let text = serde_json::to_string_pretty(&delivery).map_err(Failure::from("cannot write the event"))?;
    say(&text)
}

pub(crate) fn send(context: &Context, options: &EventSend) -> Result<(), Failure> {
    let delivery = read(&options.file)?;
    let url = match &options.url {
        Some(url) => url.clone(),
        None => format!("{}/webhook/receiver", addresses::find(context, LOCAL)?.api),
    };
    for _ in 0..options.times {
        let (status, answer) = post(&url, &delivery.headers, &delivery.body)?;
        if !(200..300).contains(&status) {
            return Err(Failure::new(format!("{url} answers {status}: {}", printable(&answer)))
                .help("`event verify` says which check a delivery does not pass"));
        }
        say(&format!("{status}"))?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Delivery, Failure> {
    let shown = file.display();
    let text = if file == Path::new("-") {
        let mut text = String::new();
        stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.map_err(Failure::from(format!("cannot read {shown}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("{shown}:{}:{}: {error}", error.line(), error.column()))
            .help("give what `event new` prints: {\"body\": \"...\", \"headers\": {...}}")
    })
}

/// A request; status and body of the answer.
fn post(url: &str, headers: &Map<String, Json>, body: &str) -> Result<(u16, String), Failure> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    let agent = config.build().new_agent();
    let mut request = agent.post(url);
    for (name, value) in headers {
        if let Some(value) = value.as_str() {
            request = request.header(name, value);
        }
    }
    let sent = request.send(body);
    let mut answer =
        sent.map_err(|error| Failure::new(format!("{url}: {error}")).help("check the address, and that it runs"))?;
    let text = answer.body_mut().read_to_string().map_err(Failure::from(format!("cannot read what {url} answers")))?;
    Ok((answer.status().as_u16(), text))
}

/// Prints a line. Whoever reads may have read enough: that is no failure.
fn say(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::from("cannot print")),
    }
}
