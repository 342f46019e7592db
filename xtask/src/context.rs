//! What every command needs, resolved once.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use infra::Environment;

use crate::report::Failure;

/// What every command needs.
pub struct Context {
    /// The project's folder.
    pub root: PathBuf,
    /// Prints errors only.
    pub quiet: bool,
}

impl Context {
    /// Finds the project from the current folder upwards.
    ///
    /// # Errors
    ///
    /// The current folder is not inside the project.
    pub fn resolve(quiet: bool) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(Failure::from("cannot tell the current folder"))?;
        let root =
            here.ancestors().find(|folder| folder.join("environments").is_dir() && folder.join("infra").is_dir());
        let root = root.ok_or_else(|| {
            Failure::new(format!("{} is not inside the project", here.display()))
                .help("change into the project's folder")
        })?;
        Ok(Self { root: root.to_owned(), quiet })
    }

    /// Reads `environments/<name>.yaml`.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is not a valid environment.
    pub fn environment(&self, name: &str) -> Result<Environment, Failure> {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') || name.is_empty() {
            let help = format!("environments: {}", self.environments().join(", "));
            return Err(Failure::new(format!("{name:?} is no environment's name")).help(help));
        }
        let file = format!("environments/{name}.yaml");
        let text = fs::read_to_string(self.root.join(&file)).map_err(|error| {
            Failure::new(format!("cannot read {file}: {error}"))
                .help(format!("environments: {}", self.environments().join(", ")))
        })?;
        Environment::parse(name, &file, &text).map_err(Failure::new)
    }

    /// The names of all environments, sorted.
    pub(crate) fn environments(&self) -> Vec<String> {
        let folder = fs::read_dir(self.root.join("environments")).into_iter().flatten().flatten();
        let files = folder.map(|entry| entry.path());
        let yaml = files.filter(|file| file.extension().is_some_and(|ending| ending == "yaml"));
        let mut names: Vec<_> = yaml.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        names
    }

    /// Prints progress to standard error, unless only errors are wanted.
    pub fn progress(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

/// Writes a file whole or not at all: a reader never sees half of it.
///
/// # Errors
///
/// The file, or the temporary one beside it, cannot be written.
pub fn write_whole(file: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let beside = file.with_extension("part");
    // What lies there was left over, or is a link that somebody laid: nothing is written through it.
    let _nothing_there = fs::remove_file(&beside);
    let part = fs::OpenOptions::new().write(true).create_new(true).open(&beside);
    let written = part.and_then(|mut part| part.write_all(content.as_ref())).and_then(|()| fs::rename(&beside, file));
    written.map_err(Failure::from(format!("cannot write {}", file.display())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails panics")]

    use super::*;

    #[test]
    fn nothing_is_written_through_a_link_that_somebody_laid() {
        let folder = std::env::temp_dir().join(format!("xtask-write-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (other, file) = (folder.join("other"), folder.join("out.yaml"));
        fs::write(&other, "somebody else's").unwrap();
        for link in [folder.join("out.part"), file.clone()] {
            std::os::unix::fs::symlink(&other, link).unwrap();
            write_whole(&file, "ours").unwrap();
            assert_eq!(fs::read_to_string(&other).unwrap(), "somebody else's");
            assert_eq!(fs::read_to_string(&file).unwrap(), "ours");
            fs::remove_file(&file).unwrap();
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
