//! Which files are watched, and what a change of each means.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use crate::report::Failure;

/// A save is over when nothing has changed for so long: editors write a file in several steps, and several files at once.
const QUIET: Duration = Duration::from_millis(15);
/// And at the latest after so many changes, should they never end.
const MOST: usize = 1_000;

/// What is made of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The handlers' binaries, which are built here.
    Source,
    /// The program that makes the stack.
    Definitions,
    /// The environment's file.
    Environment,
    /// The template's file.
    Template,
    /// Binaries that somebody else builds.
    Binaries,
}

/// What is watched, and what a file is part of.
pub(crate) struct Files {
    watched: Vec<(PathBuf, Part)>,
    folders: BTreeSet<PathBuf>,
    watcher: RecommendedWatcher,
    changes: UnboundedReceiver<BTreeSet<Part>>,
}

impl Files {
    /// Watches from now on. Each path is a file, or a folder with all that is below it.
    pub(crate) fn watch(watched: Vec<(PathBuf, Part)>) -> Result<Self, Failure> {
        let (tell, changes) = unbounded_channel();
        // Changes come by their true paths.
        let watched: Vec<_> =
            watched.into_iter().map(|(path, part)| (path.canonicalize().unwrap_or(path), part)).collect();
        let parts = watched.clone();
        let watcher = notify::recommended_watcher(move |event| forward(&parts, &tell, event));
        let watcher = watcher.map_err(Failure::from("cannot watch files"))?;
        let mut files = Self { watched, folders: BTreeSet::new(), watcher, changes };
        files.look()?;
        Ok(files)
    }

    /// Watches the folders that are there now.
    fn look(&mut self) -> Result<(), Failure> {
        let mut folders = BTreeSet::new();
        for (path, _) in &self.watched {
            if path.is_dir() {
                below(path, &mut folders);
            } else if let Some(folder) = path.parent() {
                // A file that is replaced is another one: its folder tells.
                folders.insert(folder.to_owned());
            }
        }
        for folder in folders.difference(&self.folders) {
            let done = self.watcher.watch(folder, RecursiveMode::NonRecursive);
            done.map_err(Failure::from(format!("cannot watch {}", folder.display())))?;
        }
        self.folders = folders;
        Ok(())
    }

    /// Waits until something was saved, and answers what that is part of; nothing when nobody tells any more.
    pub(crate) async fn changed(&mut self) -> Option<BTreeSet<Part>> {
        let mut changed = self.changes.recv().await?;
        for _ in 0..MOST {
            match timeout(QUIET, self.changes.recv()).await {
                Ok(Some(more)) => changed.extend(more),
                Ok(None) | Err(_) => break,
            }
        }
        // What lies in a folder that is new is looked at with this change; from now on the folder tells.
        let _gone_already = self.look();
        Some(changed)
    }
}

/// A folder, and the folders below it that hold sources.
fn below(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    found.insert(folder.to_owned());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    folders.filter(|path| is_source(path)).for_each(|path| below(&path, found));
}

/// Whether it is neither hidden nor made by cargo.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    !name.starts_with('.') && name != "target"
}

fn forward(watched: &[(PathBuf, Part)], tell: &UnboundedSender<BTreeSet<Part>>, event: notify::Result<Event>) {
    // What could not be told of may have been anything.
    let everything = || watched.iter().map(|(_, part)| *part).collect();
    let parts: BTreeSet<_> = match event {
        Ok(event) if event.need_rescan() => everything(),
        Ok(event) if is_change(event.kind) => event.paths.iter().flat_map(|path| parts_of(watched, path)).collect(),
        Ok(_) => return,
        Err(_) => everything(),
    };
    if !parts.is_empty() {
        // Nobody listens any more when everything ends.
        let _ending = tell.send(parts);
    }
}

/// Reading is no change: cargo reads everything whenever it is asked. Nor is another link to a file.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

/// What a changed file is part of.
fn parts_of(watched: &[(PathBuf, Part)], path: &Path) -> BTreeSet<Part> {
    let within = |root: &Path| {
        let rest = path.strip_prefix(root);
        rest.is_ok_and(|rest| rest.components().all(|part| is_source(Path::new(part.as_os_str()))))
    };
    watched.iter().filter(|(root, _)| within(root)).map(|(_, part)| *part).collect()
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, MetadataKind};

    use super::*;

    #[test]
    fn a_file_is_part_of_what_is_made_of_it_and_what_cargo_writes_is_part_of_nothing() {
        let watched = [("/p/handlers", Part::Source), ("/p/handlers/contract", Part::Definitions)];
        let watched = watched.map(|(path, part)| (PathBuf::from(path), part));
        let parts = |path: &str| parts_of(&watched, Path::new(path)).into_iter().collect::<Vec<_>>();
        assert_eq!(parts("/p/handlers/src/bin/plans-list.rs"), [Part::Source]);
        assert_eq!(parts("/p/handlers/contract/src/lib.rs"), [Part::Source, Part::Definitions]);
        for other in ["/p/handlers/fuzz/target/debug/x", "/p/handlers/src/.lib.rs.swp", "/p/xtask/src/main.rs"] {
            assert_eq!(parts(other), [], "{other}");
        }
    }

    #[test]
    fn reading_is_no_change() {
        assert!(is_change(EventKind::Modify(ModifyKind::Data(DataChange::Any))));
        assert!(is_change(EventKind::Create(CreateKind::File)));
        assert!(is_change(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        assert!(!is_change(EventKind::Access(AccessKind::Open(AccessMode::Any))));
        assert!(!is_change(EventKind::Access(AccessKind::Close(AccessMode::Read))));
        assert!(!is_change(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))));
    }

    #[tokio::test]
    async fn a_saved_file_is_told_also_in_a_folder_that_was_made_later() {
        let root = std::env::temp_dir().join(format!("xtask-files-{}", std::process::id()));
        let _old = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("src")).unwrap();
        let watched = vec![(root.join("src"), Part::Source), (root.join("local.yaml"), Part::Environment)];
        let mut files = Files::watch(watched).unwrap();
        fs::write(root.join("dev.yaml"), "").unwrap();
        fs::write(root.join("local.yaml"), "").unwrap();
        assert_eq!(files.changed().await.unwrap(), BTreeSet::from([Part::Environment]));
        // One save may be told more than once.
        let mut source = async || while !files.changed().await.unwrap().contains(&Part::Source) {};
        fs::create_dir_all(root.join("src/new")).unwrap();
        source().await;
        fs::write(root.join("src/new/file.rs"), "").unwrap();
        source().await;
        fs::remove_dir_all(root).unwrap();
    }
}
