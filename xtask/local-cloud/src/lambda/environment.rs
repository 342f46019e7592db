//! An execution environment: a process, its Runtime API endpoint, and its end.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::future::join_all;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    Function, FunctionError, Host, lock,
    runtime_api::{self, Event, Slot},
};
use crate::{activity::What, record::Cause};

/// How long an environment may take to ask for its first event.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INITIALIZATION: Duration = Duration::from_secs(10);

/// What a function is told of its time while a debugger is at it, and no time runs out.
const UNLIMITED: Duration = Duration::from_secs(24 * 3600);
/// How long what a process said last may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// As many lines of a process that does not start are shown.
const SHOWN_LINES: usize = 5;

/// An environment did not ask for an event.
pub(super) struct NotStarted {
    pub(super) error: FunctionError,
    /// The last lines of its log.
    pub(super) log: Vec<String>,
}

/// A process that waits for events or works on one.
pub(super) struct Environment {
    slot: Arc<Slot>,
    arn: String,
    /// The function's name.
    function: String,
    group: u32,
    host: Host,
    /// Its log stream.
    stream: String,
    /// Ask here to be told when what the process wrote until then is in the log; one for each of its outputs.
    drains: Vec<Drain>,
    /// How the process ended, once it has.
    ended: watch::Receiver<Option<String>>,
    server: JoinHandle<()>,
    /// By which its calls are known: an access key that no other environment has.
    key: String,
    /// Whether it was too late with an answer. Such an environment gets no other event.
    late: AtomicBool,
}

type Drain = mpsc::UnboundedSender<oneshot::Sender<()>>;

impl Environment {
    /// Starts a process and waits until it asks for its first event.
    pub(super) async fn start(
        function: &Function,
        arn: &str,
        host: &Host,
        request_id: &str,
    ) -> Result<Self, NotStarted> {
        let failed = |what: String| NotStarted {
            error: FunctionError::new("Runtime.InvalidEntrypoint", request_id, &what),
            log: Vec::new(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| failed(error.to_string()))?;
        let endpoint = listener.local_addr().map_err(|error| failed(error.to_string()))?.to_string();
        let (stream, since) = (log_stream(), Instant::now());
        let key = access_key();
        let mut child = command(function, host, &endpoint, &stream, &key)
            .spawn()
            .map_err(|error| failed(format!("{} cannot be started: {error}", function.binary.display())))?;
        let slot = Arc::new(Slot::default());
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(&slot)));
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        let out = out.map(|output| collect(output, function, host, &stream));
        let errors = errors.map(|output| collect(output, function, host, &stream));
        let (drains, output): (Vec<_>, Vec<_>) = [out, errors].into_iter().flatten().unzip();
        let group = child.id().unwrap_or_default();
        let environment = Self {
            slot,
            arn: arn.to_owned(),
            function: function.name.clone(),
            group,
            host: host.clone(),
            stream: stream.clone(),
            drains,
            ended: watch_end(child, group, function, host),
            server,
            key,
            late: AtomicBool::new(false),
        };
        match environment.initialized(request_id, function.limit().map(|_| INITIALIZATION)).await {
            Ok(()) => {
                let started = What::Started { function: function.name.clone(), pid: group };
                host.activity.tell(started, Some(since.elapsed()));
                Ok(environment)
            }
            Err(error) => {
                drop(environment);
                // The process is gone, so its output ends; what it said last is why.
                let _all_said = timeout(LAST_WORDS, join_all(output)).await;
                Err(NotStarted { error, log: host.logs.last(&function.log_group, &stream, SHOWN_LINES) })
            }
        }
    }

    async fn initialized(&self, request_id: &str, limit: Option<Duration>) -> Result<(), FunctionError> {
        let mut polled = self.slot.polled();
        let mut ended = self.ended.clone();
        let first = async {
            tokio::select! {
                _ = polled.wait_for(|polled| *polled) => Ok(()),
                error = self.slot.initialization_error() => Err(error),
                how = ended.wait_for(Option::is_some) => Err(exit_error(&how_it_ended(how.ok().as_deref()), request_id)),
            }
        };
        let late =
            || FunctionError::new("Sandbox.Timedout", request_id, "the function did not start within 10 seconds");
        match limit {
            Some(limit) => timeout(limit, first).await.unwrap_or_else(|_| Err(late())),
            None => first.await,
        }
    }

    /// Has the process work on one event.
    pub(super) async fn invoke(
        &self,
        request_id: &str,
        payload: Bytes,
        limit: Option<Duration>,
    ) -> Result<Bytes, FunctionError> {
        let (answer, answered) = oneshot::channel();
        let cause = Cause::current();
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + limit.unwrap_or(UNLIMITED);
        let event = Event {
            request_id: request_id.to_owned(),
            deadline_ms: deadline.as_millis(),
            function_arn: self.arn.clone(),
            trace: cause.parent.unwrap_or_default().xray(),
            payload,
        };
        self.host.activity.recorder().working(&self.key, cause);
        self.slot.hand_over(event, answer);
        self.kill_on_demand();
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            Ok(result) = answered => result,
            () = sleep(limit.unwrap_or_default()), if limit.is_some() => {
                self.late.store(true, Ordering::Relaxed);
                let seconds = limit.unwrap_or_default().as_secs_f64();
                let text = format!("Task timed out after {seconds:.2} seconds");
                Err(FunctionError::new("Sandbox.Timedout", request_id, &text))
            }
            how = ended.wait_for(Option::is_some) => {
                Err(exit_error(&how_it_ended(how.ok().as_deref()), request_id))
            }
        }
    }

    /// Kills the process when a fault is to strike, as a crash would.
    fn kill_on_demand(&self) {
        if let Some(after) = self.host.chaos.end(&self.function) {
            let (processes, group) = (Arc::clone(&self.host.processes), self.group);
            tokio::spawn(async move {
                sleep(after).await;
                // What is not among them has ended, and its number may be another's by now.
                if lock(&processes).groups.contains_key(&group) {
                    kill(group);
                }
            });
        }
    }

    /// What it wrote to its log since the group's line of this number, all that it wrote before it answered included.
    pub(super) async fn said(&self, log_group: &str, from: u64) -> Vec<String> {
        for drain in &self.drains {
            let (tell, told) = oneshot::channel();
            // Where the process has ended, its output has too.
            if drain.send(tell).is_ok() {
                let _all_read = told.await;
            }
        }
        self.host.logs.since(log_group, &self.stream, from)
    }

    /// Whether it can take another event.
    pub(super) fn is_good(&self) -> bool {
        !self.late.load(Ordering::Relaxed) && self.ended.borrow().is_none()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // What is not among them has ended, and its number may be another's by now.
        if lock(&self.host.processes).groups.contains_key(&self.group) {
            kill(self.group);
        }
        self.host.activity.recorder().ended(&self.key);
        self.server.abort();
    }
}

/// Ends a process with all that it started.
pub(super) fn kill(group: u32) {
    if let Ok(group) = i32::try_from(group) {
        // It may have ended by itself.
        let _gone = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// Waits for the process, so that it leaves no zombie, and tells how it ended.
fn watch_end(mut child: Child, group: u32, function: &Function, host: &Host) -> watch::Receiver<Option<String>> {
    let (tell, ended) = watch::channel(None);
    let (processes, one_ended) = (Arc::clone(&host.processes), Arc::clone(&host.ended));
    let mut known = lock(&processes);
    known.groups.insert(group, function.name.clone());
    if known.stopped {
        kill(group);
    }
    drop(known);
    tokio::spawn(async move {
        let how = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        // As AWS writes it: `exit status 1`.
        let how = how.replacen("status: ", "status ", 1);
        lock(&processes).groups.remove(&group);
        one_ended.notify_waiters();
        tell.send_replace(Some(how));
    });
    ended
}

fn how_it_ended(how: Option<&Option<String>>) -> String {
    how.cloned().flatten().unwrap_or_else(|| "it was stopped".to_owned())
}

fn exit_error(how: &str, request_id: &str) -> FunctionError {
    FunctionError::new("Runtime.ExitError", request_id, &format!("Runtime exited with error: {how}"))
}

/// An access key that is this environment's alone, in the form that AWS's temporary ones have.
fn access_key() -> String {
    let hex = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
    format!("ASIA{}", hex.get(..16).unwrap_or_default())
}

/// `2026/11/01/[$LATEST]...`, a stream for each environment.
fn log_stream() -> String {
    let today = jiff::Timestamp::now().to_string().get(..10).unwrap_or_default().replace('-', "/");
    format!("{today}/[$LATEST]{}", Uuid::new_v4().simple())
}

/// The process, with nothing of this one's environment, and what Lambda promises.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn command(function: &Function, host: &Host, endpoint: &str, stream: &str, key: &str) -> Command {
    let folder = function.binary.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let account = &host.account;
    let memory = function.memory_mb.to_string();
    let mut command = Command::new(&function.binary);
    command.env_clear().envs(&function.variables).envs([
        ("AWS_LAMBDA_RUNTIME_API", endpoint),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", &account.region),
        ("AWS_DEFAULT_REGION", &account.region),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", "local"),
        ("AWS_ENDPOINT_URL", &account.endpoint),
        ("LAMBDA_TASK_ROOT", &folder),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("_HANDLER", "bootstrap"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("TZ", ":UTC"),
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C in the terminal is for this process, which then ends the others in order.
    command.process_group(0);
    command
}

/// Sends each line of the output to the log, and tells who asks when nothing more is waiting to be read.
fn collect(
    output: impl AsyncRead + Unpin + Send + 'static,
    function: &Function,
    host: &Host,
    stream: &str,
) -> (Drain, JoinHandle<()>) {
    let (drain, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    let (name, group, stream, host) =
        (function.name.clone(), function.log_group.clone(), stream.to_owned(), host.clone());
    let collecting = tokio::spawn(async move {
        let mut lines = BufReader::new(output).split(b'\n');
        loop {
            tokio::select! {
                biased;
                line = lines.next_segment() => {
                    let Ok(Some(line)) = line else { return };
                    let line = String::from_utf8_lossy(&line).into_owned();
                    host.logs.append(&group, &stream, &line);
                    host.activity.tell(What::Logged { function: name.clone(), line }, None);
                }
                Some(tell) = asked.recv() => {
                    // Who asked may have gone away.
                    let _told = tell.send(());
                }
            }
        }
    });
    (drain, collecting)
}
