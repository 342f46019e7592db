//! The fuzz targets on their seeds, so that a changed answer is seen without a fuzzer.

use std::path::Path;

use expect_test::expect_file;

#[path = "../../fuzz/src/certificate_url.rs"]
mod certificate_url;
#[path = "../../fuzz/src/event.rs"]
mod event;
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/signature.rs"]
mod signature;

#[test]
fn fuzz_targets_answer_their_seeds_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let answers = seeds::answers(
        &folder,
        &[("certificate_url", certificate_url::run), ("event", event::run), ("signature", signature::run)],
    );
    expect_file!["../fuzz_seeds.txt"].assert_eq(&answers);
}
