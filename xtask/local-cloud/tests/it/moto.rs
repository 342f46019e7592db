//! moto's own tests of SQS and SNS, as they are, in server mode against the port of the AWS protocols.
//!
//! `moto_left_out.txt` names what is not run, with the reasons. Whatever else moto has there must pass.

use crate::cloud::{Cloud, EMPTY, installed, python};

const LEFT_OUT: &str = include_str!("moto_left_out.txt");

/// What is left out, by the names that pytest gives to files and tests.
fn left_out() -> impl Iterator<Item = &'static str> {
    LEFT_OUT.lines().filter(|line| line.starts_with("tests/")).map(str::trim_end)
}

#[tokio::test(flavor = "multi_thread")]
async fn motos_suites_pass() {
    let cloud = Cloud::start(EMPTY).await;
    let suites = installed("XTASK_MOTO");
    let mut pytest = python(&suites);
    pytest.args(["-m", "pytest", "tests/test_sqs", "tests/test_sns", "-q", "--tb=short", "--color=no"]);
    pytest.args(["-p", "no:cacheprovider", "--timeout=60"]);
    pytest.args(left_out().flat_map(|name| ["--deselect", name]));
    pytest.env("TEST_SERVER_MODE", "true").env("TEST_SERVER_MODE_ENDPOINT", &cloud.aws);
    let done = pytest.output().await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{complained}");
    let passed = said.lines().rev().find_map(|line| {
        let (before, _) = line.split_once(" passed")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    // A suite that finds nothing to run succeeds too.
    assert!(passed.is_some_and(|passed| passed >= 287), "{said}");
    cloud.running.stop().await;
}

#[test]
fn each_that_is_left_out_has_its_reason_above_it() {
    let mut reason = false;
    for line in LEFT_OUT.lines() {
        match line.trim() {
            "" => reason = false,
            line if line.starts_with('#') => reason = true,
            line => assert!(reason && line.starts_with("tests/"), "{line}"),
        }
    }
}
