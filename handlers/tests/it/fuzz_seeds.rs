//! The fuzz targets on their seeds, so that a changed answer is seen without a fuzzer.

use std::path::Path;

use expect_test::expect_file;

#[path = "../../fuzz/src/create_body.rs"]
mod create_body;
#[path = "../../paypal/fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/sqs_record.rs"]
mod sqs_record;
#[path = "../../fuzz/src/webhook_body.rs"]
mod webhook_body;
#[path = "../../fuzz/src/webhook_headers.rs"]
mod webhook_headers;

#[test]
fn fuzz_targets_answer_their_seeds_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let answers = seeds::answers(
        &folder,
        &[
            ("create_body", create_body::run),
            ("sqs_record", sqs_record::run),
            ("webhook_body", webhook_body::run),
            ("webhook_headers", webhook_headers::run),
        ],
    );
    expect_file!["../fuzz_seeds.txt"].assert_eq(&answers);
}
