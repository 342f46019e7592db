//! `errors`: the events that failed, in all error queues of the stack, as one list.
//!
//! - `message`: what a message says about itself, and what goes back.
//! - `queue`: which queues, and reading them.
//!
//! Which queues those are follows from the stack: every queue that another one gives up to.

mod message;
mod queue;
mod show;

use std::{collections::BTreeSet, process::ExitCode};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    Failure, Format,
    colour::s,
    resources::{QUEUE, Resources},
    target::Target,
    terminal::{confirm, is_attended},
    text::{print, print_json, printable},
};
use message::{Entry, Message, Reading};
use queue::{ErrorQueue, Reader, Source};

#[derive(Subcommand)]
pub(crate) enum Errors {
    /// List the events that failed, the oldest first
    List {
        /// Read so many of each queue at most
        #[arg(long, value_name = "COUNT", default_value_t = 200)]
        limit: usize,
        /// List the webhooks that are not PayPal's instead
        #[arg(long)]
        forged: bool,
    },
    /// Show one of them
    Show(show::Show),
    /// Send them back to where they came from
    Redrive(Selection),
    /// Throw them away
    Drop {
        #[command(flatten)]
        selection: Selection,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which events are meant.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
pub(crate) struct Selection {
    /// The ids of messages, as `errors list` shows them
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<String>,
    /// All that failed for this reason
    #[arg(long, value_name = "REASON", group = "which")]
    reason: Option<String>,
    /// All of them
    #[arg(long, group = "which")]
    all: bool,
    /// Of the webhooks that are not PayPal's, instead of the events that failed
    #[arg(long)]
    forged: bool,
}

impl Selection {
    fn means(&self, entry: &Entry) -> bool {
        self.all || self.ids.contains(&entry.id) || self.reason.as_ref() == Some(&entry.reason)
    }

    /// The first id that none of these has.
    fn missing(&self, entries: &[Entry]) -> Option<&String> {
        self.ids.iter().find(|id| !entries.iter().any(|entry| entry.id == **id))
    }
}

pub(crate) async fn run(target: &Target, format: Format, errors: &Errors) -> Result<ExitCode, Failure> {
    let resources = Resources::read(target).await?;
    let queues = match errors {
        Errors::List { forged: true, .. }
        | Errors::Redrive(Selection { forged: true, .. })
        | Errors::Drop { selection: Selection { forged: true, .. }, .. } => {
            vec![queue::forged(target, &resources).await?]
        }
        _ => queue::find(target, &resources).await?,
    };
    let done = match errors {
        Errors::List { limit, .. } => list(target, format, &queues, *limit).await,
        Errors::Show(options) => {
            // An id is enough to find it, wherever it is. A stack without a queue for forged webhooks has none of them.
            let mut queues = queues;
            if resources.get(QUEUE, contract::event::queue::FORGED).is_some() {
                queues.push(queue::forged(target, &resources).await?);
            }
            show::run(target, format, &queues, options).await
        }
        Errors::Redrive(selection) => {
            let selected = select(target, &queues, selection).await?;
            let done = each(target, &queues, &selected, Doing::SendBack).await?;
            report(target, format, &selected, &done, "sent back")
        }
        Errors::Drop { selection, yes } => {
            let selected = select(target, &queues, selection).await?;
            if !selected.is_empty() && !*yes {
                eprint!("{}", preview(&selected));
                let question = format!("drop {} event{} for good?", selected.len(), s(selected.len()));
                agree(&question).await?;
            }
            let done = each(target, &queues, &selected, Doing::Drop).await?;
            report(target, format, &selected, &done, "dropped")
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The events that somebody is asked about: all of a few, and the first of many.
fn preview(selected: &[Entry]) -> String {
    const SHOWN: usize = 20;
    let shown = rows(selected.get(..SHOWN).unwrap_or(selected));
    match selected.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}and {more} more\n"),
    }
}

/// Goes on only when somebody agrees.
async fn agree(question: &str) -> Result<(), Failure> {
    if !is_attended() {
        return Err(Failure::new(format!("nobody is here to answer: {question}"), "answer beforehand with --yes"));
    }
    match confirm(question).await {
        true => Ok(()),
        false => Err(Failure::new("nothing was dropped", "answer yes to drop them")),
    }
}

/// What `errors list --format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct List<'a> {
    /// The stack's name.
    stack: &'a str,
    /// The error queues.
    queues: Vec<Counts<'a>>,
    /// What they hold, the oldest first.
    errors: Vec<Entry>,
}

/// How much a queue holds, as SQS estimates it.
#[derive(Serialize)]
struct Counts<'a> {
    /// Without the stack's name.
    name: &'a str,
    /// Messages that wait to be read.
    waiting: u64,
    /// Messages that somebody reads just now, which are not among the errors.
    being_read: u64,
    /// Messages that are among the errors.
    read: usize,
}

async fn list(target: &Target, format: Format, queues: &[ErrorQueue], limit: usize) -> Result<(), Failure> {
    let errors = read_all(target, queues, limit).await?;
    let counts = queues.iter().map(|queue| Counts {
        name: &queue.name,
        waiting: queue.waiting,
        being_read: queue.hidden,
        read: errors.iter().filter(|entry| entry.queue == queue.name).count(),
    });
    let list = List { stack: &target.stack, queues: counts.collect(), errors };
    match format {
        Format::Json => print_json(&list),
        Format::Text => print(&list_text(&list)),
    }
}

fn list_text(list: &List<'_>) -> String {
    let count = list.errors.len();
    let mut text = match count {
        0 => format!("{}: no event failed\n", list.stack),
        _ => format!("{}: {count} event{} failed\n\n{}", list.stack, s(count), rows(&list.errors)),
    };
    for queue in &list.queues {
        let read = u64::try_from(queue.read).unwrap_or(u64::MAX);
        let more = queue.waiting.saturating_sub(read);
        if more > 0 {
            text += &format!(
                "\n{more} more in {}: --limit reads more, and SQS gives out ten of a message group at a time\n",
                queue.name
            );
        }
        if queue.being_read > 0 {
            text += &format!("\n{} more in {}: somebody else reads them just now\n", queue.being_read, queue.name);
        }
    }
    text
}

/// A line for each event, and what is wrong with it below.
fn rows(entries: &[Entry]) -> String {
    let wide = |text: fn(&Entry) -> &str| {
        entries.iter().map(|entry| printable(text(entry)).chars().count()).max().unwrap_or_default()
    };
    let (queue, reason) = (wide(|entry| &entry.queue), wide(|entry| &entry.reason));
    let row = |entry: &Entry| {
        let event = [&entry.event_type, &entry.event_id].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let time = entry.failed_at.as_deref().map_or_else(|| "-".to_owned(), seconds);
        let (why, id) = (printable(&entry.reason), printable(&entry.id));
        let first = format!("{time:<20}  {id}  {:<queue$}  {why:<reason$}  {event}", entry.queue);
        format!("{}\n    {}\n", first.trim_end(), printable(&entry.detail))
    };
    entries.iter().map(row).collect()
}

/// A time, in UTC, without what is less than a second.
fn seconds(time: &str) -> String {
    let whole = time.split(['.', 'Z']).next().unwrap_or(time);
    format!("{whole}Z")
}

/// Looks at all error queues at once; what they hold, the oldest first.
async fn read_all(target: &Target, queues: &[ErrorQueue], limit: usize) -> Result<Vec<Entry>, Failure> {
    let reads = queues.iter().map(|queue| async move {
        let mut reader = Reader::new(target, queue);
        let read = look(&mut reader, queue, limit).await;
        reader.give_back().await?;
        read
    });
    let mut entries: Vec<_> = futures_util::future::try_join_all(reads).await?.into_iter().flatten().collect();
    entries.sort_by(|one, other| (&one.failed_at, &one.id).cmp(&(&other.failed_at, &other.id)));
    Ok(entries)
}

async fn look(reader: &mut Reader<'_>, queue: &ErrorQueue, limit: usize) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    while entries.len() < limit {
        let messages = reader.next(limit - entries.len()).await?;
        if messages.is_empty() {
            break;
        }
        entries.extend(messages.iter().map(|message| message::read(message, &queue.name).entry));
    }
    Ok(entries)
}

/// Says on standard error what a queue held and did not give out, so that nobody takes the rest for all of it.
fn say_left(queues: &[ErrorQueue], read: &[Entry]) {
    for queue in queues {
        let seen = read.iter().filter(|entry| entry.queue == queue.name).count();
        let left = queue.waiting.saturating_sub(u64::try_from(seen).unwrap_or(u64::MAX));
        if left > 0 {
            note!("about {left} more in {}: SQS gives out ten of a message group at a time; say it again", queue.name);
        }
    }
}

/// What is meant, and is there.
async fn select(target: &Target, queues: &[ErrorQueue], selection: &Selection) -> Result<Vec<Entry>, Failure> {
    let mut entries = read_all(target, queues, usize::MAX).await?;
    if let Some(id) = selection.missing(&entries) {
        return Err(not_there(id, queues));
    }
    if selection.ids.is_empty() {
        say_left(queues, &entries);
    }
    entries.retain(|entry| selection.means(entry));
    Ok(entries)
}

fn not_there(id: &str, queues: &[ErrorQueue]) -> Failure {
    let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
    let message = format!("there is no message {id:?} in {}", names.join(" or "));
    Failure::new(message, "`errors list` shows the ids; somebody else may be reading it just now")
}

#[derive(Clone, Copy)]
enum Doing {
    SendBack,
    Drop,
}

/// One that something was done to.
#[derive(Serialize)]
struct Done {
    /// SQS's id of the message.
    id: String,
    /// The error queue.
    queue: String,
    /// The queue that it was sent back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// Does it to each of these, in each queue's order. Only to these: what came since is left alone.
async fn each(target: &Target, queues: &[ErrorQueue], selected: &[Entry], doing: Doing) -> Result<Vec<Done>, Failure> {
    let ids: BTreeSet<_> = selected.iter().map(|entry| entry.id.as_str()).collect();
    let works = queues.iter().map(|queue| async {
        let mut reader = Reader::new(target, queue);
        let mut done = Vec::new();
        let worked = work(&mut reader, queue, &ids, doing, &mut done).await;
        reader.give_back().await?;
        worked.map(|()| done)
    });
    Ok(futures_util::future::try_join_all(works).await?.into_iter().flatten().collect())
}

async fn work(
    reader: &mut Reader<'_>,
    queue: &ErrorQueue,
    ids: &BTreeSet<&str>,
    doing: Doing,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    loop {
        let messages = reader.next(usize::MAX).await?;
        if messages.is_empty() {
            return Ok(());
        }
        let meant: Vec<_> = messages.iter().filter(|message| ids.contains(message.id.as_str())).collect();
        match doing {
            Doing::SendBack => {
                let mut read = Vec::new();
                for message in meant {
                    let Reading { back, .. } = message::read(message, &queue.name);
                    let to = queue.origin(&back)?;
                    read.push((message, back, to));
                }
                for source in &queue.sources {
                    let of_source = read.iter().filter(|(_, _, to)| to.url == source.url);
                    let messages: Vec<_> = of_source.map(|(message, back, _)| (*message, back)).collect();
                    reader.send_back(&messages, source).await?;
                    done.extend(messages.iter().map(|(message, _)| Done::new(message, queue, Some(source))));
                }
            }
            Doing::Drop => {
                reader.remove(&meant).await?;
                done.extend(meant.iter().map(|message| Done::new(message, queue, None)));
            }
        }
    }
}

impl Done {
    fn new(message: &Message, queue: &ErrorQueue, to: Option<&Source>) -> Self {
        Self { id: message.id.clone(), queue: queue.name.clone(), to: to.map(|to| to.name.clone()) }
    }
}

/// What `errors redrive` and `errors drop` print with `--format json`. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Report<'a> {
    /// The stack's name.
    stack: &'a str,
    /// What was done.
    done: &'a [Done],
    /// The ids of those that somebody else was reading, so that nothing was done to them.
    not_done: Vec<&'a str>,
}

fn report(target: &Target, format: Format, selected: &[Entry], done: &[Done], word: &str) -> Result<(), Failure> {
    let not_done = undone(selected, done);
    let (left, of) = (not_done.len(), selected.len());
    match format {
        Format::Json => print_json(&Report { stack: &target.stack, done, not_done })?,
        Format::Text => print(&done_text(done, word))?,
    }
    if left == 0 {
        return Ok(());
    }
    Err(Failure::new(format!("{left} of {of} were not {word}: somebody else is reading them"), "try again in a minute"))
}

/// The ids of the events that nothing was done to.
fn undone<'a>(selected: &'a [Entry], done: &[Done]) -> Vec<&'a str> {
    let known: BTreeSet<_> = done.iter().map(|each| each.id.as_str()).collect();
    selected.iter().map(|entry| entry.id.as_str()).filter(|id| !known.contains(id)).collect()
}

fn done_text(done: &[Done], word: &str) -> String {
    if done.is_empty() {
        return format!("nothing was {word}: no event is meant\n");
    }
    let line = |each: &Done| match &each.to {
        Some(to) => format!("{word}  {}  {} -> {to}\n", each.id, each.queue),
        None => format!("{word}  {}  {}\n", each.id, each.queue),
    };
    done.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, reason: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            queue: "errors".to_owned(),
            reason: reason.to_owned(),
            detail: "the signature is not PayPal's\u{1b}[2J".to_owned(),
            event_id: Some("WH-1".to_owned()),
            event_type: Some("PAYMENT.SALE.COMPLETED".to_owned()),
            received_at: None,
            failed_at: Some("2026-11-01T00:00:00.123Z".to_owned()),
        }
    }

    #[test]
    fn the_list_says_what_failed_why_and_what_is_not_in_it() {
        let counts = Counts { name: "errors", waiting: 5, being_read: 1, read: 2 };
        let errors = vec![entry("m-1", "wrong_signature"), entry("m-2", "unreadable\n")];
        let list = List { stack: "shop-prod", queues: vec![counts], errors };
        insta::assert_snapshot!(list_text(&list), @r"
        shop-prod: 2 events failed

        2026-11-01T00:00:00Z  m-1  errors  wrong_signature  PAYMENT.SALE.COMPLETED WH-1
            the signature is not PayPal's\u{1b}[2J
        2026-11-01T00:00:00Z  m-2  errors  unreadable\n     PAYMENT.SALE.COMPLETED WH-1
            the signature is not PayPal's\u{1b}[2J

        3 more in errors: --limit reads more, and SQS gives out ten of a message group at a time

        1 more in errors: somebody else reads them just now
        ");
    }

    #[test]
    fn report_on_a_hundred_thousand_events_is_made_in_no_time() {
        let entries: Vec<_> = (0..100_000).map(|number| entry(&format!("m-{number}"), "unreadable")).collect();
        let done: Vec<_> =
            entries.iter().map(|entry| Done { id: entry.id.clone(), queue: entry.queue.clone(), to: None }).collect();
        let start = std::time::Instant::now();
        assert_eq!(undone(&entries, &done[1..]), ["m-0"]);
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
        let preview = preview(&entries);
        assert!(preview.lines().count() == 41 && preview.ends_with("and 99980 more\n"), "{preview}");
    }

    #[test]
    fn an_empty_list_is_good_news() {
        let list = List { stack: "shop-prod", queues: Vec::new(), errors: Vec::new() };
        assert_eq!(list_text(&list), "shop-prod: no event failed\n");
    }

    #[test]
    fn events_are_meant_by_id_by_reason_or_all_of_them() {
        let entries = [entry("m-1", "wrong_signature"), entry("m-2", "unreadable")];
        let meant = |ids: &[&str], reason: Option<&str>, all| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            let selection = Selection { ids, reason: reason.map(str::to_owned), all, forged: false };
            let missing = selection.missing(&entries).cloned();
            (entries.iter().filter(|entry| selection.means(entry)).count(), missing)
        };
        assert_eq!(meant(&["m-1"], None, false), (1, None));
        assert_eq!(meant(&["m-1", "m-3"], None, false), (1, Some("m-3".to_owned())));
        assert_eq!(meant(&[], Some("unreadable"), false), (1, None));
        assert_eq!(meant(&[], None, true), (2, None));
    }
}
