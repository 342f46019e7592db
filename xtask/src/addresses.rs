//! The local clouds that run: each writes its addresses where other commands find them.
//!
//! One file a process lies in `target/local/`, and the process holds its lock. One that was killed leaves its file
//! behind, which nobody holds any more: so it is known, and removed. That its ports are free, or that somebody else
//! answers there by now, is no matter.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{context::Context, report::Failure};

/// Where everything answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) api: String,
    pub(crate) console: String,
    pub(crate) aws: String,
    pub(crate) paypal: String,
    pub(crate) paypal_client_id: String,
    pub(crate) paypal_client_secret: String,
    pub(crate) pid: u32,
}

/// What lies in a file.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The environment that runs.
    env: String,
    #[serde(flatten)]
    addresses: Addresses,
}

/// Says where a local cloud is, until it is dropped.
pub(crate) struct Announced {
    path: PathBuf,
    /// Is locked as long as the process lives.
    _held: File,
}

impl Drop for Announced {
    fn drop(&mut self) {
        // That it is gone already is fine.
        let _gone = fs::remove_file(&self.path);
    }
}

/// Lets other commands find this local cloud.
pub(crate) fn announce(context: &Context, env: &str, addresses: &Addresses) -> Result<Announced, Failure> {
    let folder = folder(context);
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let note = Note { env: env.to_owned(), addresses: addresses.clone() };
    let text = serde_json::to_string(&note).map_err(Failure::from("cannot write the addresses"))?;
    let path = folder.join(format!("{}.json", addresses.pid));
    let held = held(&path, &text).map_err(Failure::from(format!("cannot write {}", path.display())))?;
    Ok(Announced { path, _held: held })
}

/// Writes a file that appears whole, and locked.
fn held(path: &Path, text: &str) -> io::Result<File> {
    let beside = path.with_extension("part");
    // What lies there was left over, or is a link that somebody laid: nothing is written through it.
    let _nothing_there = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    file.lock()?;
    file.write_all(text.as_bytes())?;
    fs::rename(&beside, path)?;
    Ok(file)
}

/// The local cloud that runs this environment.
pub(crate) fn find(context: &Context, env: &str) -> Result<Addresses, Failure> {
    let mut running: Vec<_> =
        notes(&folder(context)).filter(|note| note.env == env).map(|note| note.addresses).collect();
    match (running.pop(), running.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(Failure::new(format!("no local cloud runs the environment {env}"))
            .help("start one with `cargo xtask local`, or name its AWS address with --endpoint-url")),
        (Some(last), others) => {
            let addresses: Vec<_> = others.iter().chain([&last]).map(|each| each.aws.as_str()).collect();
            Err(Failure::new(format!("{} local clouds run the environment {env}", addresses.len()))
                .help(format!("name one by its AWS address with --endpoint-url: {}", addresses.join(", "))))
        }
    }
}

fn folder(context: &Context) -> PathBuf {
    context.root.join("target/local")
}

/// What those that run have written. The files of others are removed.
fn notes(folder: &Path) -> impl Iterator<Item = Note> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let notes = files.filter(|file| file.extension().is_some_and(|ending| ending == "json"));
    notes.filter_map(|file| {
        if !is_held(&file) {
            let _gone = fs::remove_file(&file);
            return None;
        }
        serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()
    })
}

/// Whether the process that wrote it lives.
fn is_held(file: &Path) -> bool {
    // To ask for the lock is to hold it for a moment, which two who ask must not see of each other: it is shared.
    File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(name: &str) -> Context {
        let root = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _old = fs::remove_dir_all(&root);
        Context { root, quiet: true }
    }

    fn addresses(pid: u32) -> Addresses {
        let other = "http://127.0.0.1:1".to_owned();
        Addresses {
            api: other.clone(),
            console: other.clone(),
            aws: format!("http://127.0.0.1:{pid}"),
            paypal: other,
            paypal_client_id: "id".to_owned(),
            paypal_client_secret: "secret".to_owned(),
            pid,
        }
    }

    #[test]
    fn the_one_that_runs_is_found_and_of_several_each_is_named() {
        let context = context("running");
        assert!(find(&context, "local").is_err());
        let first = announce(&context, "local", &addresses(1)).unwrap();
        assert_eq!(find(&context, "local").unwrap(), addresses(1));
        assert!(find(&context, "dev").is_err());
        let second = announce(&context, "local", &addresses(2)).unwrap();
        let said = format!("{:?}", find(&context, "local").unwrap_err());
        assert!(said.contains(&addresses(1).aws) && said.contains(&addresses(2).aws), "{said}");
        drop(first);
        assert_eq!(find(&context, "local").unwrap().pid, 2);
        drop(second);
        assert!(find(&context, "local").is_err());
        fs::remove_dir_all(context.root).unwrap();
    }

    #[test]
    fn one_that_was_killed_is_forgotten_whoever_has_its_ports_by_now() {
        let context = context("killed");
        let announced = announce(&context, "local", &addresses(3)).unwrap();
        let file = context.root.join("target/local/3.json");
        let text = fs::read_to_string(&file).unwrap();
        drop(announced);
        // As it lies there when its process could not remove it.
        fs::write(&file, text).unwrap();
        assert!(find(&context, "local").is_err() && !file.exists());
        fs::remove_dir_all(context.root).unwrap();
    }
}
