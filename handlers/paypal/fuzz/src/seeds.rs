//! Runs fuzz targets on their seeds.

use std::{fs, path::Path};

/// Runs a target on one input and returns what came of it.
pub(crate) type Target = fn(&[u8]) -> String;

/// The answers of each target to its seeds in `folder/TARGET/`, a line for each seed.
///
/// # Panics
/// A target has no seed, or more than 20.
pub(crate) fn answers(folder: &Path, targets: &[(&str, Target)]) -> String {
    let mut answers = String::new();
    for (target, run) in targets {
        let mut seeds: Vec<_> = fs::read_dir(folder.join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!((1..=20).contains(&seeds.len()), "{target} has {} seeds", seeds.len());
        answers.push_str(&format!("# {target}\n"));
        for seed in seeds {
            let name = seed.file_name().unwrap().to_string_lossy().into_owned();
            answers.push_str(&format!("{name}: {}\n", run(&fs::read(seed).unwrap())));
        }
    }
    answers
}
