//! Programs that must not compile, each with what the compiler says about it.

use std::path::Path;

use crate::refused_programs;

/// A file a mistake, called by it; what the compiler says stands beside it and is rewritten with
/// `UPDATE_EXPECT=1 cargo test --workspace wrong_programs`. Read it as somebody who is new here: does it say what to do?
#[test]
fn wrong_programs_do_not_compile() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    refused_programs::are_refused(package, &package.join("../..").canonicalize().unwrap(), &["cfn", "serde_json"]);
}
