//! What outlives the process, when it is to: queues, topics, secrets, logs and the clock, written down as they change.
//!
//! A journal is a file of JSON lines. Each change is written before its answer is given, so that the end of the process, at
//! whatever moment, loses nothing that was answered; a line that was cut short was not. When a cloud starts it reads the
//! journal, and begins a new one with what there still is. The file is for its owner alone.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{logs, secrets, sns, sqs};

/// The file's name in its folder.
const NAME: &str = "cloud.jsonl";
/// The file while it is made.
const NEW: &str = "cloud.jsonl.new";

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A line in the middle is not one of a journal's.
    #[error("{}:{line} is no line of a journal: {reason}; move the file away to start empty", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// An open journal. Clones write to the same file.
#[derive(Clone)]
pub struct Journal(Arc<Mutex<File>>);

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
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

impl Journal {
    /// Reads the journal of a folder, which is made where it is not there, and begins the next one beside it.
    ///
    /// # Errors
    /// When the folder cannot be used, or what is in it is no journal.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Saved), JournalError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| JournalError::File { path, error }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let (path, new) = (folder.join(NAME), folder.join(NEW));
        let saved = match fs::read_to_string(&path) {
            Ok(text) => read(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Saved::default(),
            Err(error) => return Err(failed(&path)(error)),
        };
        // One that was begun and never took its place; that there is none is fine.
        let _begun = fs::remove_file(&new);
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new).map_err(failed(&new))?;
        Ok((Self(Arc::new(Mutex::new(file))), saved))
    }

    /// Puts the new journal in the place of the old one. Until then the old one holds.
    ///
    /// # Errors
    /// When the file cannot be renamed.
    pub(crate) fn settle(folder: &Path) -> Result<(), JournalError> {
        let path = folder.join(NAME);
        fs::rename(folder.join(NEW), &path).map_err(|error| JournalError::File { path, error })
    }

    /// Writes a line down.
    pub(crate) fn write(&self, line: &Line) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&text) {
            // Whoever asked to keep things must hear that they are not kept.
            eprintln!("what happens is not written down any more: {error}");
        }
    }
}

fn read(path: &Path, text: &str) -> Result<Saved, JournalError> {
    let mut saved = Saved::default();
    let lines: Vec<_> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(Line::Queue(entry)) => sqs::journal::follow(&mut saved.queues, *entry),
            Ok(Line::Topics(topics)) => saved.topics = topics,
            Ok(Line::Secret(secret)) => saved.secrets.push(secret),
            Ok(Line::Log(line)) => saved.logs.push(line),
            Ok(Line::Ahead(ahead)) => saved.ahead = ahead,
            // The process ended in the middle of it, before it answered.
            Err(_) if at + 1 == lines.len() && !text.ends_with('\n') => {}
            Err(error) => {
                let (path, reason) = (path.to_owned(), error.to_string());
                return Err(JournalError::Line { path, line: at + 1, reason });
            }
        }
    }
    Ok(saved)
}
