//! A cloud that runs for one test, and what a test asks of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use local_cloud::{Clock, Options, Running, activity::Stream};
use tokio::{net::TcpListener, process::Command};

/// A cloud without functions in moto's account.
pub(crate) const EMPTY: &str = "Resources: {W: {Type: 'AWS::CloudFormation::WaitConditionHandle'}}";

/// A running cloud.
pub(crate) struct Cloud {
    pub(crate) running: Running,
    pub(crate) aws: String,
    pub(crate) api: String,
    pub(crate) clock: Clock,
    pub(crate) activity: Stream,
}

impl Cloud {
    /// Starts a template on free ports.
    pub(crate) async fn start(template: &str) -> Self {
        Self::start_at(template, None).await
    }

    /// Starts a template on free ports, with its state in this folder.
    pub(crate) async fn start_at(template: &str, state: Option<PathBuf>) -> Self {
        let (api, aws) = (listener().await, listener().await);
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (clock, activity) = (Clock::default(), Stream::default());
        let (api_address, aws_address) = (address(&api), address(&aws));
        let running = local_cloud::start(Options {
            template: cfn::read::template(template).unwrap(),
            stack_name: "test".to_owned(),
            parameters: BTreeMap::new(),
            binaries: binaries(),
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            api,
            aws,
            secrets: BTreeMap::new(),
            activity: activity.clone(),
            clock: clock.clone(),
            state,
        });
        let running = running.await.unwrap();
        Self { running, aws: aws_address, api: api_address, clock, activity }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

/// Where Cargo puts the functions that tests run: the crate's examples, beside the folder of this very test.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples")
}

/// What `cargo xtask test` installed, by the variable that names it.
pub(crate) fn installed(variable: &str) -> PathBuf {
    let found = std::env::var_os(variable);
    found.unwrap_or_else(|| panic!("{variable} is not set: run the tests by `cargo xtask test`")).into()
}

/// A Python program with clients of others that does not reach beyond this machine.
pub(crate) fn python(folder: &Path) -> Command {
    let mut command = Command::new(installed("XTASK_EMULATORS").join("bin/python"));
    command
        .current_dir(folder)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
