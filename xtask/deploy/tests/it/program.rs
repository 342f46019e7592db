//! The program itself, with credentials of its own and nothing of this machine's.

use std::{process::Output, time::Duration};

use tokio::process::Command;

use crate::{cloud::ACCOUNT, endpoint::Endpoint};

/// Who is signed in, where nothing else matters.
pub(crate) const IDENTITY: &str = "\
GetCallerIdentity:
  - result: <Arn>arn:aws:iam::222222222222:user/ops</Arn><UserId>AIDA</UserId><Account>222222222222</Account>
";

/// The program, for the stack of the tests, at an endpoint.
pub(crate) fn command(endpoint: &Endpoint, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy"));
    command.env_clear().env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    // Reading all authorities of a system takes half the time of a run, and nothing here speaks TLS.
    command.env("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/authority.pem"));
    command.args(arguments).args(["--stack", "paypal-subscriptions-prod", "--env", "prod", "--account", ACCOUNT]);
    command.args(["--region", "eu-west-1", "--endpoint-url", &endpoint.url]);
    if !arguments.contains(&"--pace") {
        command.args(["--pace", "1"]);
    }
    command.kill_on_drop(true);
    command
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

/// Longer than anything that a test waits for takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for something; the test fails with what it is when it does not come.
pub(crate) async fn within<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    let Ok(come) = tokio::time::timeout(PATIENCE, awaited).await else {
        panic!("{what}: not within {PATIENCE:?}");
    };
    come
}

/// Runs the program to its end.
pub(crate) async fn run(endpoint: &Endpoint, arguments: &[&str]) -> Said {
    let output = within(&format!("the end of {arguments:?}"), command(endpoint, arguments).output()).await;
    said(output.unwrap())
}

pub(crate) fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}
