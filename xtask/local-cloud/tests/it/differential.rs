//! The same random calls of SQS and SNS against this cloud and against moto's server. Each difference is explained by AWS's
//! documentation, in `differential.py`, or fails the test.

use std::{net::TcpListener, path::Path, process::Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::cloud::{Cloud, EMPTY, python};

#[tokio::test(flavor = "multi_thread")]
async fn each_difference_from_moto_is_explained_by_aws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string();
    let mut moto = python(&folder);
    moto.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut moto = moto.spawn().unwrap();
    let mut said = BufReader::new(moto.stderr.take().unwrap()).lines();
    while !said.next_line().await.unwrap().expect("moto's server does not start").contains("Running on") {}
    // It says a line for each request, and stops when nobody reads them.
    let reads = tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    let cloud = Cloud::start(EMPTY).await;
    let theirs = format!("http://127.0.0.1:{port}");
    // Another seed tries other calls: the figure at the end is the seed.
    let mut compare = python(&folder);
    let done = compare.args(["differential.py", &cloud.aws, &theirs, "40", "1"]).output().await.unwrap();
    moto.kill().await.unwrap();
    reads.await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    assert!(out.contains(" 0 not"), "{out}");
    cloud.running.stop().await;
}
