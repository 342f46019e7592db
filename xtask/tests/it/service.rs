//! A service that runs for one test, on ports of its own, and what a test asks of it.
//!
//! Nothing here sleeps: whoever waits for an event reads it from a queue, and whoever waits for a line is woken by it.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

/// Longer than anything that a test waits for takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// What the developer's own environment holds, and no function may see.
pub(crate) const DEVELOPERS_SECRET: &str = "the-developers-own-key";

/// The plan that the sandbox has from the start, 10.00 USD a month.
pub(crate) const PLAN: &str = "P-5ML4271244454362WXNWU5NQ";

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `cargo xtask`, built.
pub(crate) fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(root()).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The folder of the handlers' binaries, as `cargo xtask test` builds them before it runs the tests.
pub(crate) fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_xtask")).parent().unwrap().to_owned()
}

/// Copies a program without what only a debugger reads.
pub(crate) fn strip(program: &Path, to: &Path) {
    let stripped = Command::new("strip").arg("-o").arg(to).arg(program).status().unwrap();
    assert!(stripped.success(), "strip {}", program.display());
}

/// An empty folder where a test may write. It stays for a look after the test; the folders that earlier runs left are
/// removed.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let file_name = entry.file_name();
        let of = file_name.to_str().and_then(|of| of.strip_prefix(name)?.strip_prefix('-')?.parse().ok());
        if of.is_some_and(|process| kill(Pid::from_raw(process), None) == Err(Errno::ESRCH)) {
            // Another test may be removing it at the same time.
            let _removed = fs::remove_dir_all(entry.path());
        }
    }
    let folder = all.join(format!("{name}-{}", std::process::id()));
    let _old = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a process printed until it ended. One that does not end is killed, and the test fails with its name.
pub(crate) fn output_of(child: Child, what: &str) -> Output {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(PATIENCE) else {
        let _gone = kill(pid, Signal::SIGKILL);
        panic!("{what} did not end within {PATIENCE:?}");
    };
    output.unwrap()
}

/// How a process ended. One that does not end is killed, and the test fails with its name.
pub(crate) fn end_of(child: Child, what: &str) -> ExitStatus {
    output_of(child, what).status
}

/// What a process printed so far; more may come.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    pub(crate) fn read(&self, output: impl Read + Send + 'static) {
        let lines = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines.0.0.lock().unwrap().push(line);
                lines.0.1.notify_all();
            }
        });
    }

    /// The first line in which `wanted` stands, now or later.
    pub(crate) fn wait_for(&self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(wanted)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no line with {wanted:?} in:\n{}", lines.join("\n"));
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }

    pub(crate) fn all(&self) -> String {
        self.0.0.lock().unwrap().join("\n")
    }
}

/// A running `cargo xtask local`.
pub(crate) struct Service {
    child: Child,
    pub(crate) lines: Lines,
    pub(crate) api: String,
    pub(crate) aws: String,
    pub(crate) paypal: String,
    pub(crate) console: String,
    pub(crate) pid: u32,
}

impl Service {
    /// Starts one on free ports. The name is the test's.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// Starts one on free ports, unless PayPal's is among them, with further options.
    pub(crate) fn start_with(name: &str, options: &[&str]) -> Self {
        Self::start_in(&root(), name, options)
    }

    /// Starts one in another project's folder, where commands find it that run there.
    pub(crate) fn start_in(folder: &Path, name: &str, options: &[&str]) -> Self {
        let mut command = xtask();
        command.current_dir(folder);
        Self::start_as(name, command, options)
    }

    /// Starts one on free ports by this command, with further options.
    pub(crate) fn start_as(name: &str, mut command: Command, options: &[&str]) -> Self {
        let ready_file = scratch(name).join("ready.json");
        command.args(["local", "--port", "0", "--console-port", "0", "--aws-port", "0"]);
        if !options.contains(&"--paypal-port") {
            command.args(["--paypal-port", "0"]);
        }
        command.args(options).arg("--ready-file").arg(&ready_file).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("AWS_SECRET_ACCESS_KEY", DEVELOPERS_SECRET);
        let mut child = command.spawn().unwrap();
        let lines = Lines::default();
        lines.read(child.stdout.take().unwrap());
        lines.read(child.stderr.take().unwrap());
        lines.wait_for("Ctrl-C stops everything");
        let ready: Value = serde_json::from_str(&fs::read_to_string(&ready_file).unwrap()).unwrap();
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        assert_eq!(ready["pid"], child.id());
        Self {
            lines,
            api: address("api"),
            aws: address("aws"),
            paypal: address("paypal"),
            console: address("console"),
            pid: child.id(),
            child,
        }
    }

    /// Asks it to stop, as Ctrl-C does, and waits for its end; whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        interrupt(self.pid);
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < until, "local did not stop within {PATIENCE:?}: {}", self.lines.all());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as the kernel does, without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What the sandbox has: `subscriptions`, `invoices`, `deliveries`.
    pub(crate) fn sandbox(&self, what: &str) -> Vec<Value> {
        let (status, body) = call("GET", &format!("{}/_sandbox/{what}", self.paypal), &[], None);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Has the sandbox do something.
    pub(crate) fn tell_sandbox(&self, what: &str, body: &Value) -> Value {
        let (status, answer) = post(&format!("{}/_sandbox/{what}", self.paypal), body);
        assert!((200..300).contains(&status), "{what}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// The invoices of one sale, by the number that follows from it.
    pub(crate) fn invoices_of(&self, sale: &str) -> Vec<Value> {
        let number = format!("SUB-{sale}");
        let all = self.sandbox("invoices");
        all.into_iter().filter(|invoice| invoice["document"]["detail"]["invoice_number"] == number).collect()
    }

    /// A queue of this name at the topic `finished`, read by [`Service::next`].
    pub(crate) fn inbox(&self, name: &str) -> Inbox {
        let url = self.sqs("CreateQueue", &json!({ "QueueName": name }))["QueueUrl"].as_str().unwrap().to_owned();
        let form = format!(
            "Action=Subscribe&Version=2010-03-31&TopicArn={}&Protocol=sqs&Endpoint={}\
             &Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true",
            "arn:aws:sns:eu-west-1:000000000000:paypal-subscriptions-local-finished",
            format_args!("arn:aws:sqs:eu-west-1:000000000000:{name}"),
        );
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, body) = call("POST", &self.aws, &headers, Some(&form));
        assert_eq!(status, 200, "{body}");
        Inbox(url)
    }

    /// The queue of this name, as the stack has it.
    pub(crate) fn queue(&self, name: &str) -> Inbox {
        Inbox(format!("{}/000000000000/paypal-subscriptions-local-{name}", self.aws))
    }

    /// The next message of a queue, which is deleted; waits for it.
    pub(crate) fn next(&self, inbox: &Inbox) -> Value {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(body) = self.receive(inbox, 20) {
                return body;
            }
        }
        panic!("nothing in {}; what happened:\n{}", inbox.0, self.lines.all());
    }

    /// What a queue holds now, if anything.
    pub(crate) fn now(&self, inbox: &Inbox) -> Option<Value> {
        self.receive(inbox, 0)
    }

    fn receive(&self, inbox: &Inbox, wait_seconds: u32) -> Option<Value> {
        let request = json!({ "QueueUrl": inbox.0, "WaitTimeSeconds": wait_seconds, "MaxNumberOfMessages": 1 });
        let message = self.sqs("ReceiveMessage", &request)["Messages"].get(0).cloned()?;
        self.sqs("DeleteMessage", &json!({ "QueueUrl": inbox.0, "ReceiptHandle": message["ReceiptHandle"] }));
        Some(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
    }

    /// So many messages that a queue waits to give out, is giving out, or holds back.
    pub(crate) fn depth(&self, inbox: &Inbox) -> u64 {
        let request = json!({ "QueueUrl": inbox.0, "AttributeNames": ["All"] });
        let attributes = self.sqs("GetQueueAttributes", &request)["Attributes"].clone();
        let number = |name: &str| attributes[name].as_str().unwrap().parse::<u64>().unwrap();
        ["", "NotVisible", "Delayed"].iter().map(|kind| number(&format!("ApproximateNumberOfMessages{kind}"))).sum()
    }

    /// All lines of a log group.
    pub(crate) fn log(&self, group: &str) -> Vec<String> {
        let request = json!({ "logGroupName": group }).to_string();
        let headers =
            [("x-amz-target", "Logs_20140328.FilterLogEvents"), ("content-type", "application/x-amz-json-1.1")];
        let (status, body) = call("POST", &self.aws, &headers, Some(&request));
        assert_eq!(status, 200, "{group}: {body}");
        let events: Value = serde_json::from_str(&body).unwrap();
        let lines =
            events["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned());
        lines.collect()
    }

    pub(crate) fn sqs(&self, action: &str, request: &Value) -> Value {
        let target = format!("AmazonSQS.{action}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        let (status, body) = call("POST", &self.aws, &headers, Some(&request.to_string()));
        assert_eq!(status, 200, "{action}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Reads `count` finished events; their outcomes by the event's id.
    pub(crate) fn outcomes(&self, inbox: &Inbox, count: usize) -> HashMap<String, String> {
        let events = (0..count).map(|_| self.next(inbox));
        let outcome = |event: Value| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("event_id"), text("outcome"))
        };
        events.map(outcome).collect()
    }

    /// Posts a webhook to the receiver; its status and answer.
    pub(crate) fn deliver(&self, body: &str, headers: &Value) -> (u16, String) {
        let headers = headers.as_object().unwrap().iter();
        let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        call("POST", &format!("{}/webhook/receiver", self.api), &headers, Some(body))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.stop();
        }
    }
}

/// A queue that a test reads.
pub(crate) struct Inbox(String);

/// Sends the signal of Ctrl-C.
pub(crate) fn interrupt(pid: u32) {
    let status = Command::new("/bin/kill").args(["-INT", &pid.to_string()]).status();
    // Some systems have kill only inside their shell.
    if !status.is_ok_and(|status| status.success()) {
        Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap();
    }
}

/// A request; status and body of the answer, whatever the status.
pub(crate) fn call(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> (u16, String) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body.unwrap_or_default().to_owned()).unwrap()).unwrap();
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let text = response.body_mut().read_to_string().unwrap();
    // Where a redirect leads is all that it says.
    (response.status().as_u16(), location.unwrap_or(text))
}

/// A request with a JSON body.
pub(crate) fn post(url: &str, body: &Value) -> (u16, String) {
    call("POST", url, &[("content-type", "application/json")], Some(&body.to_string()))
}

/// Does all of these at once; their results, in no order.
pub(crate) fn at_once<T: Send + 'static>(count: usize, work: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let (work, (tell, results)) = (Arc::new(work), mpsc::channel());
    for number in 0..count {
        let (work, tell) = (Arc::clone(&work), tell.clone());
        thread::spawn(move || tell.send(work(number)).unwrap());
    }
    drop(tell);
    results.into_iter().collect()
}
