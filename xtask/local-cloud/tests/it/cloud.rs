//! A cloud that runs for one test, and what a test asks of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use local_cloud::{
    Clock, Options, Running, StartError,
    activity::{Activity, Stream, What},
    chaos::Chaos,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::Command,
    sync::broadcast::{Receiver, error::RecvError},
};

/// Longer than anything that a test waits for takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

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
        Self::try_start(template, state).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a template on free ports, if it can be started.
    pub(crate) async fn try_start(template: &str, state: Option<PathBuf>) -> Result<Self, StartError> {
        Self::try_start_as(template, |options| options.state = state).await
    }

    /// Starts a template on free ports, with a collector of its traces.
    pub(crate) async fn start_traced(template: &str, collector: &str) -> Self {
        let collector = collector.parse().unwrap();
        let started = Self::try_start_as(template, |options| options.traces = Some(collector)).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a template on free ports, with other options than a test's, if it can be started.
    pub(crate) async fn try_start_as(template: &str, change: impl FnOnce(&mut Options)) -> Result<Self, StartError> {
        let (api, aws) = (listener().await, listener().await);
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (clock, activity) = (Clock::default(), Stream::default());
        let (api_address, aws_address) = (address(&api), address(&aws));
        let mut options = Options {
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
            chaos: Chaos::default(),
            console: None,
            traces: None,
            state: None,
            debug: None,
        };
        change(&mut options);
        let running = local_cloud::start(options).await?;
        Ok(Self { running, aws: aws_address, api: api_address, clock, activity })
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

/// Where Cargo puts the functions that tests run: the crate's examples, beside the folder of this very test.
pub(crate) fn binaries() -> PathBuf {
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

/// A request; status, headers by their names, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Sends a request, off the threads that run the cloud.
pub(crate) async fn call(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    let sent = tokio::task::spawn_blocking(move || {
        let mut answer = agent.run(request).unwrap();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = answer.body_mut().with_config().limit(20 << 20).read_to_string().unwrap();
        Answer { status: answer.status().as_u16(), headers, body }
    });
    sent.await.unwrap()
}

impl Cloud {
    /// A call of SQS, which must succeed.
    pub(crate) async fn sqs(&self, action: &str, request: Value) -> Value {
        let answer = self.try_sqs(action, request).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        answer.json()
    }

    /// A call of SQS.
    pub(crate) async fn try_sqs(&self, action: &str, request: Value) -> Answer {
        let target = format!("AmazonSQS.{action}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        call("POST", &self.aws, &headers, request.to_string()).await
    }

    /// The bodies of what a queue holds now, without waiting, deleted.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let request = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
            let answer = self.sqs("ReceiveMessage", request).await;
            let Some(messages) = answer["Messages"].as_array() else { return bodies };
            for message in messages {
                bodies.push(message["Body"].as_str().unwrap().to_owned());
                let handle = &message["ReceiptHandle"];
                self.sqs("DeleteMessage", json!({ "QueueUrl": queue, "ReceiptHandle": handle })).await;
            }
        }
    }

    /// The next message of a queue, deleted; waits for it.
    pub(crate) async fn next(&self, queue: &str) -> Value {
        for _ in 0..10 {
            let answer = self.sqs("ReceiveMessage", json!({ "QueueUrl": queue, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"] }));
            if let Some(message) = answer.await["Messages"].get(0) {
                let handle = &message["ReceiptHandle"];
                self.sqs("DeleteMessage", json!({ "QueueUrl": queue, "ReceiptHandle": handle })).await;
                return message.clone();
            }
        }
        panic!("nothing in {queue}");
    }

    /// How many messages a queue holds: waiting, in flight, delayed.
    pub(crate) async fn depth(&self, queue: &str) -> [u64; 3] {
        let request = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        let attributes = self.sqs("GetQueueAttributes", request).await["Attributes"].clone();
        ["", "NotVisible", "Delayed"]
            .map(|kind| attributes[format!("ApproximateNumberOfMessages{kind}")].as_str().unwrap().parse().unwrap())
    }

    /// A call of SNS, which must succeed; the answer's XML.
    pub(crate) async fn sns(&self, form: &str) -> String {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = call("POST", &self.aws, &headers, format!("Version=2010-03-31&{form}")).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.body);
        answer.body
    }

    /// Invokes a function.
    pub(crate) async fn invoke(&self, function: &str, kind: &str, event: &Value) -> Answer {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.aws);
        call("POST", &url, &[("x-amz-invocation-type", kind)], event.to_string()).await
    }

    /// The lines of a log group, oldest first.
    pub(crate) async fn log(&self, group: &str) -> Vec<String> {
        let headers =
            [("x-amz-target", "Logs_20140328.FilterLogEvents"), ("content-type", "application/x-amz-json-1.1")];
        let answer = call("POST", &self.aws, &headers, json!({ "logGroupName": group }).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let events = answer.json()["events"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The address of a queue of the template.
    pub(crate) fn queue(&self, name: &str) -> String {
        format!("{}/123456789012/{name}", self.aws)
    }

    /// Waits for something to happen; `listener` was made before it could.
    pub(crate) async fn happens(
        listener: &mut Receiver<Arc<Activity>>,
        wanted: impl Fn(&What) -> bool,
    ) -> Arc<Activity> {
        let found = async {
            loop {
                match listener.recv().await {
                    Ok(activity) if wanted(&activity.what) => return activity,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => panic!("the cloud ended"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("it does not happen")
    }
}
