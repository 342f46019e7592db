//! Programs that must not compile, each with what the compiler says about it.

/// A file a mistake, called by it; what the compiler says stands beside it and is rewritten with
/// `TRYBUILD=overwrite cargo test -p cfn`. Read it as somebody who is new here: does it say what to do?
#[test]
fn wrong_programs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
