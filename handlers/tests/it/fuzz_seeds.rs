//! The fuzz targets on their seeds: what each one comes to, so that a changed answer is seen without a fuzzer.

use std::{fs, path::Path};

use expect_test::expect_file;

#[path = "../../fuzz/src/create_body.rs"]
mod create_body;
#[path = "../../fuzz/src/sqs_record.rs"]
mod sqs_record;
#[path = "../../fuzz/src/webhook_body.rs"]
mod webhook_body;
#[path = "../../fuzz/src/webhook_headers.rs"]
mod webhook_headers;

/// Runs a target on one input.
type Target = fn(&[u8]) -> String;

#[test]
fn fuzz_targets_answer_their_seeds_as_before() {
    let targets: [(&str, Target); 4] = [
        ("create_body", create_body::run),
        ("sqs_record", sqs_record::run),
        ("webhook_body", webhook_body::run),
        ("webhook_headers", webhook_headers::run),
    ];
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
