//! A file of JSON lines that outlives a process.
//!
//! Each change is written before it is answered, so that a process that ends at any moment loses nothing that it answered. A
//! line that was cut short was not answered. At the next start the lines are read, and a new journal begins beside the old
//! one with what still exists; it takes the old one's place with [`Journal::settle`]. Until then the old one counts. The file
//! is readable by its owner only: it may hold keys and secrets.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

/// The reason why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
    /// A line, not the last one, is not valid.
    #[error("{}:{line} is no line of a journal: {reason}; move the file away to start empty", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The parser's reason.
        reason: String,
    },
}

/// An open journal. Clones write to the same file.
#[derive(Clone)]
pub struct Journal {
    file: Arc<Mutex<File>>,
    path: Arc<PathBuf>,
}

impl Journal {
    /// Reads the journal of this name in a folder, which is created if needed, and begins the next one beside it. Returns the
    /// lines in their order.
    ///
    /// # Errors
    /// The folder or a file cannot be used, or a line is not valid.
    pub fn open<L: DeserializeOwned>(folder: &Path, name: &str) -> Result<(Self, Vec<L>), JournalError> {
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(name);
        let lines = match fs::read_to_string(&path) {
            Ok(text) => read(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(&path)(error)),
        };
        let new = beside(&path);
        // One that never took its place; mostly there is none.
        let _begun = fs::remove_file(&new);
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new).map_err(failed(&new))?;
        Ok((Self { file: Arc::new(Mutex::new(file)), path: Arc::new(path) }, lines))
    }

    /// Puts the new journal in the place of the old one.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn settle(&self) -> Result<(), JournalError> {
        fs::rename(beside(&self.path), self.path.as_path()).map_err(failed(&self.path))
    }

    /// Writes a line. A failure is reported on standard error: the caller asked to keep what is now lost at the end of the
    /// process.
    pub fn write(&self, line: &impl Serialize) {
        if let Err(error) = self.try_write(line) {
            eprintln!("{} is not written any more: {error}", self.path.display());
        }
    }

    /// As [`Journal::write`], of a line `{name: value}`: readers tell by the name whose line it is.
    pub fn write_as(&self, name: &str, value: &impl Serialize) {
        self.write(&BTreeMap::from([(name, value)]));
    }

    fn try_write(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

/// The file while it is begun.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |error| JournalError::File { path, error }
}

fn read<L: DeserializeOwned>(path: &Path, text: &str) -> Result<Vec<L>, JournalError> {
    let lines: Vec<_> = text.lines().collect();
    let mut read = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(line) => read.push(line),
            // The process ended while it wrote it, before it answered.
            Err(_) if at + 1 == lines.len() && !text.ends_with('\n') => {}
            Err(error) => {
                let (path, reason) = (path.to_owned(), error.to_string());
                return Err(JournalError::Line { path, line: at + 1, reason });
            }
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    type Line = BTreeMap<String, u32>;

    const NAME: &str = "test.jsonl";

    /// A folder of this test alone, with this journal in it.
    fn folder(name: &str, text: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("journal-{}-{name}", std::process::id()));
        let _old = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(NAME), text).unwrap();
        folder
    }

    fn line(value: u32) -> Line {
        BTreeMap::from([("a".to_owned(), value)])
    }

    #[test]
    fn line_that_was_cut_short_was_never_written() {
        let folder = folder("cut", "{\"a\":1}\n{\"a\":2}\n{\"a");
        let (_, lines) = Journal::open::<Line>(&folder, NAME).unwrap();
        assert_eq!(lines, [line(1), line(2)]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn old_journal_counts_until_the_new_one_takes_its_place() {
        let folder = folder("settle", "{\"a\":1}\n");
        let (journal, _) = Journal::open::<Line>(&folder, NAME).unwrap();
        journal.write(&line(2));
        assert_eq!(Journal::open::<Line>(&folder, NAME).unwrap().1, [line(1)]);
        let (journal, _) = Journal::open::<Line>(&folder, NAME).unwrap();
        journal.write(&line(2));
        journal.settle().unwrap();
        journal.write(&line(3));
        assert_eq!(Journal::open::<Line>(&folder, NAME).unwrap().1, [line(2), line(3)]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn file_is_for_its_owner_alone() {
        let folder = folder("owner", "");
        Journal::open::<Line>(&folder, NAME).unwrap().0.settle().unwrap();
        assert_eq!(fs::metadata(folder.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn invalid_line_is_named_and_the_file_stays() {
        let folder = folder("wrong", "{}\nno json\n{}\n");
        let error = Journal::open::<Line>(&folder, NAME).err().unwrap().to_string();
        assert!(error.contains("test.jsonl:2 is no line of a journal: "), "{error}");
        assert!(fs::read_to_string(folder.join(NAME)).unwrap().contains("no json"));
        fs::remove_dir_all(folder).unwrap();
    }
}
