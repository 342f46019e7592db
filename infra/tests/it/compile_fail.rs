//! Stacks that contradict the contract must not compile, each with what the compiler says about it.

use std::path::Path;

use crate::refused_programs;

/// A file a mistake, called by it; what the compiler says stands beside it and is rewritten with
/// `UPDATE_EXPECT=1 cargo test --workspace stacks_that`. Read it as somebody who is new here: does it say what to do?
#[test]
fn stacks_that_contradict_the_contract_do_not_compile() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.join("..").canonicalize().unwrap();
    refused_programs::are_refused(package, &root, &["cfn", "contract", "infra", "serde_json"]);
}
