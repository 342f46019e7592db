//! The functions' executables as they run: each version in a place of its own, so that a build which replaces a file never
//! hurts an environment that starts.
//!
//! A version is a hard link: it takes no time and no space, and stays what it is when cargo or a linker puts another file in
//! the place of the first. The cloud finds the newest of each under `bin`, which is full of symbolic links.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

use crate::{context::Context, report::Failure};

/// The executables of one process. They are gone when it is dropped.
pub(crate) struct Store {
    folder: PathBuf,
    /// How many versions there were.
    version: u32,
    /// What was taken over last, by its name: which file, and which version of it.
    taken: HashMap<String, (Identity, PathBuf)>,
    /// Versions that were replaced before the last change: nothing starts from them.
    old: Vec<PathBuf>,
    /// Versions that something may just be starting from.
    replaced: Vec<PathBuf>,
}

/// By this a file is known to be another than before.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self { inode: metadata.ino(), size: metadata.size(), modified }
    }
}

impl Store {
    /// An empty one, in the project's target folder. What processes left there that were killed is removed.
    pub(crate) fn new(context: &Context) -> Result<Self, Failure> {
        let all = context.root.join("target/local/watch");
        for left in fs::read_dir(&all).into_iter().flatten().flatten() {
            let pid = left.file_name().to_str().and_then(|name| name.parse().ok());
            if pid.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)) {
                let _gone = fs::remove_dir_all(left.path());
            }
        }
        let folder = all.join(std::process::id().to_string());
        let made = fs::create_dir_all(folder.join("bin")).and_then(|()| folder.canonicalize());
        let folder = made.map_err(Failure::from(format!("cannot make {}", folder.display())))?;
        Ok(Self { folder, version: 0, taken: HashMap::new(), old: Vec::new(), replaced: Vec::new() })
    }

    /// The folder in which the cloud finds the newest version of each executable.
    pub(crate) fn binaries(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Takes over those executables that changed.
    pub(crate) fn take(&mut self, executables: &[PathBuf]) -> Result<(), Failure> {
        self.version += 1;
        let version = self.folder.join(self.version.to_string());
        for executable in executables {
            match self.take_one(executable, &version) {
                Ok(()) => {}
                // Whoever replaces it has it back in a moment, and that is the next change.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::new(format!("cannot take over {}: {error}", executable.display()))),
            }
        }
        Ok(())
    }

    fn take_one(&mut self, executable: &Path, version: &Path) -> io::Result<()> {
        let Some(name) = executable.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
        let identity = Identity::of(&fs::metadata(executable)?);
        if self.taken.get(name).is_some_and(|(known, _)| *known == identity) {
            return Ok(());
        }
        self.place(executable, version, name)?;
        let before = self.taken.insert(name.to_owned(), (identity, version.join(name)));
        self.replaced.extend(before.map(|(_, path)| path));
        Ok(())
    }

    /// Puts an executable under this version, and has its link lead there.
    fn place(&self, executable: &Path, version: &Path, name: &str) -> io::Result<()> {
        fs::create_dir_all(version)?;
        let (mine, link) = (version.join(name), self.folder.join("link"));
        // Another file system has no links of this one's files.
        fs::hard_link(executable.canonicalize()?, &mine).or_else(|_| fs::copy(executable, &mine).map(|_| ()))?;
        let _left_behind = fs::remove_file(&link);
        symlink(&mine, &link)?;
        fs::rename(&link, self.binaries().join(name))
    }

    /// Removes versions that nothing is started from any more: those which were replaced before the last change, and are not
    /// among those that are used, because what replaced them does not start.
    pub(crate) fn tidy(&mut self, used: &[PathBuf]) {
        for path in std::mem::replace(&mut self.old, std::mem::take(&mut self.replaced)) {
            if used.contains(&path) {
                self.old.push(path);
                continue;
            }
            let _gone = fs::remove_file(&path);
            // The folder goes with its last file.
            let _holds_others = path.parent().map(fs::remove_dir);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// The executable files of a folder.
pub(crate) fn executables(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(Failure::from(format!("cannot read {}", folder.display())))?;
    let files = entries.flatten().map(|entry| entry.path());
    let runs = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    Ok(files.filter(runs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: &Path, text: &str) {
        let beside = file.with_extension("part");
        fs::write(&beside, text).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(beside, file).unwrap();
    }

    #[test]
    fn each_version_stays_what_it_is_until_nothing_is_started_from_it() {
        let root = std::env::temp_dir().join(format!("xtask-store-{}", std::process::id()));
        let _old = fs::remove_dir_all(&root);
        // No process has this number: Linux gives out smaller ones.
        let (built, left) = (root.join("built"), root.join("target/local/watch/2147483646"));
        fs::create_dir_all(&built).unwrap();
        fs::create_dir_all(&left).unwrap();
        let mut store = Store::new(&Context { root: root.clone(), quiet: true }).unwrap();
        assert!(!left.exists());
        write(&built.join("a"), "one");
        write(&built.join("b"), "b");
        fs::write(built.join("text"), "no program").unwrap();
        store.take(&executables(&built).unwrap()).unwrap();
        let bin = store.binaries();
        let runs = |name: &str| bin.join(name).canonicalize().unwrap();
        let (first, other) = (runs("a"), runs("b"));
        write(&built.join("a"), "two");
        store.take(&executables(&built).unwrap()).unwrap();
        store.tidy(&[]);
        assert_eq!((fs::read(runs("a")).unwrap(), fs::read(&first).unwrap()), (b"two".to_vec(), b"one".to_vec()));
        assert_eq!(runs("b"), other, "what did not change is where it was");
        assert!(!bin.join("text").exists());
        store.tidy(std::slice::from_ref(&first));
        assert!(first.exists(), "it is used");
        store.tidy(&[]);
        assert!(!first.exists() && runs("a").exists() && other.exists());
        drop(store);
        assert!(!other.exists());
        fs::remove_dir_all(root).unwrap();
    }
}
