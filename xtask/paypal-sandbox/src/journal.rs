//! What outlives the process, when it is to: subscriptions, sales, events, invoices and deliveries, written down as they
//! change.
//!
//! A journal is a file of JSON lines. Each line holds all that one request changed, and is written before the request is
//! answered, so that the end of the process, at whatever moment, loses nothing that was answered and keeps nothing by halves.
//! When a sandbox starts it reads the journal, and begins a new one with what there still is. The file is for its owner alone:
//! it holds the key that signs webhooks and, once it was changed, the client's secret.
//!
//! Access tokens and faults are not written down.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    authority::SavedKey,
    invoicing::Invoice,
    state::{Delivery, Subscription},
};

/// The file's name in its folder.
const NAME: &str = "paypal.jsonl";
/// The file while it is made.
const NEW: &str = "paypal.jsonl.new";

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
pub(crate) struct Journal(Arc<Mutex<File>>);

/// What changed, or all that there is: a line.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Changes {
    /// From where the making of ids goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) random: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// The key that signs webhooks, with its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<SavedKey>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) subscriptions: IndexMap<String, Subscription>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) request_ids: IndexMap<String, (Value, String)>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) sales: IndexMap<String, Value>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) events: IndexMap<String, String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) invoices: IndexMap<String, Invoice>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) deliveries: IndexMap<String, Delivery>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.random.is_none()
            && self.client_secret.is_none()
            && self.key.is_none()
            && self.subscriptions.is_empty()
            && self.request_ids.is_empty()
            && self.sales.is_empty()
            && self.events.is_empty()
            && self.invoices.is_empty()
            && self.deliveries.is_empty()
    }

    /// Takes in what changed later.
    fn then(&mut self, later: Self) {
        self.random = later.random.or(self.random);
        self.client_secret = later.client_secret.or_else(|| self.client_secret.take());
        self.key = later.key.or_else(|| self.key.take());
        self.subscriptions.extend(later.subscriptions);
        self.request_ids.extend(later.request_ids);
        self.sales.extend(later.sales);
        self.events.extend(later.events);
        self.invoices.extend(later.invoices);
        self.deliveries.extend(later.deliveries);
    }
}

impl Journal {
    /// Reads the journal of a folder, which is made where it is not there, and begins the next one with what it held.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Changes), JournalError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| JournalError::File { path, error }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let (path, new) = (folder.join(NAME), folder.join(NEW));
        let saved = match fs::read_to_string(&path) {
            Ok(text) => read(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Changes::default(),
            Err(error) => return Err(failed(&path)(error)),
        };
        let _old = fs::remove_file(&new);
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new).map_err(failed(&new))?;
        let journal = Self(Arc::new(Mutex::new(file)));
        journal.try_write(&saved).map_err(failed(&new))?;
        // Until now the old one holds.
        fs::rename(&new, &path).map_err(failed(&path))?;
        Ok((journal, saved))
    }

    /// Writes a line down.
    pub(crate) fn write(&self, changes: &Changes) {
        if let Err(error) = self.try_write(changes) {
            // Whoever asked to keep things must hear that they are not kept.
            eprintln!("what happens at PayPal is not written down any more: {error}");
        }
    }

    fn try_write(&self, changes: &Changes) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut text = serde_json::to_vec(changes)?;
        text.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

fn read(path: &Path, text: &str) -> Result<Changes, JournalError> {
    let mut saved = Changes::default();
    let lines: Vec<_> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(changes) => saved.then(changes),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, with this journal in it.
    fn folder(name: &str, text: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("paypal-sandbox-{}-{name}", std::process::id()));
        let _old = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(NAME), text).unwrap();
        folder
    }

    #[test]
    fn the_last_word_holds_and_a_line_cut_short_was_never_said() {
        let folder =
            folder("last", "{\"events\":{\"a\":\"1\",\"b\":\"2\"}}\n{\"random\":7,\"events\":{\"a\":\"3\"}}\n{\"ran");
        for _ in 0..2 {
            let (journal, saved) = Journal::open(&folder).unwrap();
            assert_eq!((saved.random, saved.events["a"].as_str(), saved.events.len()), (Some(7), "3", 2));
            drop(journal);
        }
        let (journal, _) = Journal::open(&folder).unwrap();
        journal.write(&Changes { client_secret: Some("new".to_owned()), ..Changes::default() });
        assert_eq!(Journal::open(&folder).unwrap().1.client_secret.as_deref(), Some("new"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("owner", "");
        Journal::open(&folder).unwrap();
        assert_eq!(fs::metadata(folder.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_journal_is_named_with_its_line() {
        let folder = folder("wrong", "{}\nno json\n{}\n");
        let said = Journal::open(&folder).err().unwrap().to_string();
        assert!(said.contains("paypal.jsonl:2 is no line of a journal: "), "{said}");
        assert!(fs::read_to_string(folder.join(NAME)).unwrap().contains("no json"));
        fs::remove_dir_all(folder).unwrap();
    }
}
