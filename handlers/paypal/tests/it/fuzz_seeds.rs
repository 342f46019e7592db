//! The fuzz targets on their seeds: what each one comes to, so that a changed answer is seen without a fuzzer.

use std::{fs, path::Path};

use expect_test::expect_file;

#[path = "../../fuzz/src/certificate_url.rs"]
mod certificate_url;
#[path = "../../fuzz/src/event.rs"]
mod event;
#[path = "../../fuzz/src/signature.rs"]
mod signature;

/// Runs a target on one input.
type Target = fn(&[u8]) -> String;

#[test]
fn fuzz_targets_answer_their_seeds_as_before() {
    let targets: [(&str, Target); 3] =
        [("certificate_url", certificate_url::run), ("event", event::run), ("signature", signature::run)];
    let mut answers = String::new();
    for (target, run) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let mut seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!((1..=20).contains(&seeds.len()), "{target} has {} seeds", seeds.len());
        answers.push_str(&format!("# {target}\n"));
        for seed in seeds {
            let name = seed.file_name().unwrap().to_string_lossy().into_owned();
            answers.push_str(&format!("{name}: {}\n", run(&fs::read(seed).unwrap())));
        }
    }
    expect_file!["../fuzz_seeds.txt"].assert_eq(&answers);
}
