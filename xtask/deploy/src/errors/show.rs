//! `errors show`: one event that failed, and on demand what PayPal sent.

use std::{fs, path::PathBuf};

use clap::Args;
use contract::event::Envelope;
use serde::Serialize;
use serde_json::json;

use super::{
    message::{self, Entry, Reading},
    not_there,
    queue::{ErrorQueue, Reader},
};
use crate::{
    Failure, Format,
    files::write_private,
    target::Target,
    text::{json, print, print_json, printable},
};

/// Which event, and how much of it.
#[derive(Args)]
pub(crate) struct Show {
    /// The message's id, as `errors list` shows it
    #[arg(value_name = "ID")]
    id: String,
    /// Print the body too; it holds what buyers told PayPal about themselves
    #[arg(long)]
    body: bool,
    /// Write body.json and headers.json into this folder, as `event verify` reads them
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    /// Where it goes when it is sent back; nothing where that is not known.
    goes_back_to: Option<&'a str>,
    /// PayPal's signature headers, where there is a delivery.
    headers: Option<serde_json::Value>,
    /// The body as text, with `--body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

pub(super) async fn run(target: &Target, format: Format, queues: &[ErrorQueue], options: &Show) -> Result<(), Failure> {
    for queue in queues {
        let mut reader = Reader::new(target, queue);
        let found = find(&mut reader, queue, &options.id).await;
        reader.give_back().await?;
        if let Some(reading) = found? {
            return show(format, queue, &reading, options);
        }
    }
    Err(not_there(&options.id, queues))
}

async fn find(reader: &mut Reader<'_>, queue: &ErrorQueue, id: &str) -> Result<Option<Reading>, Failure> {
    loop {
        let messages = reader.next(usize::MAX).await?;
        if let Some(message) = messages.iter().find(|message| message.id == id) {
            return Ok(Some(message::read(message, &queue.name)));
        }
        if messages.is_empty() {
            return Ok(None);
        }
    }
}

fn show(format: Format, queue: &ErrorQueue, reading: &Reading, options: &Show) -> Result<(), Failure> {
    if let Some(folder) = &options.save {
        save(folder, reading)?;
    }
    // The delivery's body, or the message where it is none.
    let body = || match &reading.envelope {
        Some(envelope) => String::from_utf8_lossy(&envelope.body).into_owned(),
        None => reading.back.body.clone(),
    };
    let shown = Shown {
        entry: &reading.entry,
        goes_back_to: queue.origin(&reading.back).ok().map(|source| source.name.as_str()),
        headers: reading.envelope.as_ref().map(headers),
        body: options.body.then(body),
    };
    match format {
        Format::Json => print_json(&shown),
        Format::Text => print(&text(&shown)),
    }
}

/// The headers by the names that PayPal gives them.
fn headers(envelope: &Envelope) -> serde_json::Value {
    let headers = &envelope.headers;
    json!({
        "paypal-transmission-id": headers.transmission_id,
        "paypal-transmission-time": headers.transmission_time,
        "paypal-transmission-sig": headers.transmission_sig,
        "paypal-cert-url": headers.cert_url,
        "paypal-auth-algo": headers.auth_algo,
    })
}

fn text(shown: &Shown<'_>) -> String {
    let Entry { id, queue, reason, detail, event_id, event_type, received_at, failed_at } = shown.entry;
    let header = |name: &str| Some(shown.headers.as_ref()?.get(name)?.as_str()?.to_owned());
    let rows = [
        ("id", Some(id.clone())),
        ("queue", Some(queue.clone())),
        ("reason", Some(reason.clone())),
        ("detail", Some(detail.clone())),
        ("event type", event_type.clone()),
        ("event id", event_id.clone()),
        ("delivered", received_at.clone()),
        ("failed", failed_at.clone()),
        ("goes back to", shown.goes_back_to.map(str::to_owned)),
        ("transmission", header("paypal-transmission-id")),
        ("signed at", header("paypal-transmission-time")),
        ("certificate", header("paypal-cert-url")),
    ];
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let rows: String = known.map(|(name, value)| format!("{name:<13} {}\n", printable(&value))).collect();
    match &shown.body {
        Some(body) => format!("{rows}\n{}\n", printable(body)),
        None => rows,
    }
}

fn save(folder: &std::path::Path, reading: &Reading) -> Result<(), Failure> {
    let envelope = reading.envelope.as_ref().ok_or_else(|| {
        Failure::new("the message holds no delivery that could be saved", "--body prints what it holds")
    })?;
    let failed = |error: std::io::Error| {
        Failure::new(format!("cannot write into {}: {error}", folder.display()), "name another folder with --save")
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let headers = json(&headers(envelope), true)?;
    write_private(&folder.join("body.json"), &envelope.body).map_err(failed)?;
    write_private(&folder.join("headers.json"), (headers + "\n").as_bytes()).map_err(failed)?;
    note!("wrote body.json and headers.json into {}", printable(&folder.display().to_string()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_printed_on_demand_only_and_cannot_steer_the_terminal() {
        let entry = Entry {
            id: "m-1".to_owned(),
            queue: "errors".to_owned(),
            reason: "wrong_signature".to_owned(),
            detail: "the signature does not fit".to_owned(),
            event_id: None,
            event_type: None,
            received_at: Some("2026-11-01T00:00:00Z".to_owned()),
            failed_at: None,
        };
        let headers = Some(json!({ "paypal-transmission-id": "t\u{1b}[31m", "paypal-transmission-sig": "SIGNATURE" }));
        let mut shown = Shown { entry: &entry, goes_back_to: Some("unverified"), headers, body: None };
        insta::assert_snapshot!(text(&shown), @r"
        id            m-1
        queue         errors
        reason        wrong_signature
        detail        the signature does not fit
        delivered     2026-11-01T00:00:00Z
        goes back to  unverified
        transmission  t\u{1b}[31m
        ");
        shown.body = Some("{\"name\":\"Ann\u{7}\"}".to_owned());
        assert!(text(&shown).ends_with("\n\n{\"name\":\"Ann\\u{7}\"}\n"));
    }
}
