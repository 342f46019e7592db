//! What outlives the process, when it is to: queues, topics, secrets, logs and the clock.

use std::{collections::BTreeMap, path::Path, time::Duration};

use journal::{Journal, JournalError};
use serde::Deserialize;

use crate::{logs, secrets, sns, sqs};

/// The journal's name in its folder.
const NAME: &str = "cloud.jsonl";

/// A line. Each service writes its own, under the same name.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Queue(Box<sqs::journal::Entry>),
    /// All topics, whenever one of them changes.
    Topics(sns::SavedTopics),
    /// A secret has another value.
    Secret(secrets::SavedSecret),
    /// A line was written to a log.
    Log(logs::SavedLine),
    /// How far the clock is ahead.
    Ahead(Duration),
}

/// What a journal held.
#[derive(Default)]
pub(crate) struct Saved {
    /// By ARN.
    pub(crate) queues: BTreeMap<String, sqs::journal::SavedQueue>,
    pub(crate) topics: sns::SavedTopics,
    /// In the order in which they were set.
    pub(crate) secrets: Vec<secrets::SavedSecret>,
    /// The oldest first.
    pub(crate) logs: Vec<logs::SavedLine>,
    pub(crate) ahead: Duration,
}

/// Opens the journal of a folder.
///
/// # Errors
/// The folder or a file in it cannot be used, or a line is not valid.
pub(crate) fn open(folder: &Path) -> Result<(Journal, Saved), JournalError> {
    let (journal, lines) = Journal::open(folder, NAME)?;
    let mut saved = Saved::default();
    for line in lines {
        match line {
            Line::Queue(entry) => sqs::journal::follow(&mut saved.queues, *entry),
            Line::Topics(topics) => saved.topics = topics,
            Line::Secret(secret) => saved.secrets.push(secret),
            Line::Log(line) => saved.logs.push(line),
            Line::Ahead(ahead) => saved.ahead = ahead,
        }
    }
    Ok((journal, saved))
}
