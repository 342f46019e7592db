//! The local clouds that run: each writes its addresses where other commands find them.
//!
//! One file a process lies in `target/local/`. One that was killed leaves its file behind; nothing answers at its
//! addresses, and so it is known, and removed.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    context::{Context, write_whole},
    report::Failure,
};

/// How long a port on this machine may take to answer.
const CONNECT: Duration = Duration::from_secs(1);

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
pub(crate) struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // That it is gone already is fine.
        let _gone = fs::remove_file(&self.0);
    }
}

/// Lets other commands find a local cloud that answers.
pub(crate) fn announce(context: &Context, env: &str, addresses: &Addresses) -> Result<Announced, Failure> {
    let folder = folder(context);
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let note = Note { env: env.to_owned(), addresses: addresses.clone() };
    let text = serde_json::to_string(&note).map_err(Failure::from("cannot write the addresses"))?;
    let file = folder.join(format!("{}.json", addresses.pid));
    write_whole(&file, &text)?;
    Ok(Announced(file))
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

/// What those that answer have written. The files of others are removed.
fn notes(folder: &Path) -> impl Iterator<Item = Note> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let notes = files.filter(|file| file.extension().is_some_and(|ending| ending == "json"));
    notes.filter_map(|file| {
        let note: Option<Note> = fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str(&text).ok());
        let answers = note.filter(|note| answers(&note.addresses.aws));
        if answers.is_none() {
            let _gone = fs::remove_file(&file);
        }
        answers
    })
}

fn answers(url: &str) -> bool {
    let address: Option<SocketAddr> = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.is_some_and(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn context(name: &str) -> Context {
        let root = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _old = fs::remove_dir_all(&root);
        Context { root, quiet: true }
    }

    fn addresses(listener: &TcpListener, pid: u32) -> Addresses {
        let aws = format!("http://{}", listener.local_addr().unwrap());
        let other = "http://127.0.0.1:1".to_owned();
        Addresses {
            api: other.clone(),
            console: other.clone(),
            aws,
            paypal: other,
            paypal_client_id: "id".to_owned(),
            paypal_client_secret: "secret".to_owned(),
            pid,
        }
    }

    fn listen() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[test]
    fn the_one_that_runs_is_found_and_of_several_each_is_named() {
        let context = context("running");
        let (one, two) = (listen(), listen());
        assert!(find(&context, "local").is_err());
        let first = announce(&context, "local", &addresses(&one, 1)).unwrap();
        assert_eq!(find(&context, "local").unwrap(), addresses(&one, 1));
        assert!(find(&context, "dev").is_err());
        let second = announce(&context, "local", &addresses(&two, 2)).unwrap();
        let said = format!("{:?}", find(&context, "local").unwrap_err());
        assert!(said.contains(&addresses(&one, 1).aws) && said.contains(&addresses(&two, 2).aws), "{said}");
        drop(first);
        assert_eq!(find(&context, "local").unwrap().pid, 2);
        drop(second);
        assert!(find(&context, "local").is_err());
        fs::remove_dir_all(context.root).unwrap();
    }

    #[test]
    fn one_that_was_killed_is_forgotten() {
        let context = context("killed");
        let listener = listen();
        std::mem::forget(announce(&context, "local", &addresses(&listener, 3)).unwrap());
        let file = context.root.join("target/local/3.json");
        assert!(file.exists());
        drop(listener);
        assert!(find(&context, "local").is_err() && !file.exists());
        fs::remove_dir_all(context.root).unwrap();
    }
}
