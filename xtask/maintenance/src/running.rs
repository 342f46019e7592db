//! A running `local`, looked at from outside.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use ureq::Agent;

use xtask::{context::Context, report::Failure};

use crate::processes;

/// Longer than a start takes on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service and a connection to it.
pub(crate) struct Running {
    child: Child,
    ready: Value,
    agent: Agent,
}

/// What a function's process has used so far.
pub(crate) struct Usage {
    /// Processor time, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// Resident memory, in MiB.
    pub(crate) resident_mib: f64,
}

impl Running {
    /// Starts the service and waits until all functions have asked for an event. What happens is written to `log`; without
    /// one, only what goes wrong is said, on standard error.
    pub(crate) fn start(
        context: &Context,
        binaries: &Path,
        functions: usize,
        log: Option<&Path>,
    ) -> Result<Self, Failure> {
        let any = ["--port", "0", "--console-port", "0", "--aws-port", "0", "--paypal-port", "0"];
        Self::start_with(context, binaries, functions, log, &any.map(str::to_owned))
    }

    /// As [`Running::start`], with other ports, or another template.
    pub(crate) fn start_with(
        context: &Context,
        binaries: &Path,
        functions: usize,
        log: Option<&Path>,
        options: &[String],
    ) -> Result<Self, Failure> {
        let ready_file = context.root.join(format!("target/ready-{}.json", std::process::id()));
        let _old = fs::remove_file(&ready_file);
        let program = crate::xtask_program()?;
        let mut command = Command::new(program);
        command.arg("local").args(options);
        command.arg("--binaries").arg(binaries).arg("--ready-file").arg(&ready_file).current_dir(&context.root);
        match log {
            None => command.arg("-q").stdout(std::io::stderr()),
            Some(file) => {
                let cannot = || format!("cannot write {}", file.display());
                let log = fs::File::create(file).map_err(Failure::from(cannot()))?;
                let both = log.try_clone().map_err(Failure::from(cannot()))?;
                command.stdout(log).stderr(both)
            }
        };
        let child = command.stdin(Stdio::null()).spawn().map_err(Failure::from("cannot start `local`"))?;
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut running = Self { child, ready: Value::Null, agent };
        running.wait("its addresses", |running| {
            let text = fs::read_to_string(&ready_file).ok()?;
            running.ready = serde_json::from_str(&text).ok()?;
            Some(())
        })?;
        running.wait("all functions to start", |running| (running.started().len() >= functions).then_some(()))?;
        Ok(running)
    }

    fn wait(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<()>) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if found(self).is_some() {
                return Ok(());
            }
            std::thread::yield_now();
        }
        Err(Failure::new(format!("waited in vain for {what}")))
    }

    /// How long each function took to ask for its first event, in milliseconds.
    pub(crate) fn started(&self) -> Vec<(String, f64)> {
        let activity = self.get("console", "/api/activity").unwrap_or_default();
        let started = activity
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one.pointer("/what/kind") == Some(&"started".into()));
        let took = |one: &Value| {
            let seconds = one.pointer("/took/secs")?.as_f64()?;
            Some(seconds * 1e3 + one.pointer("/took/nanos")?.as_f64()? / 1e6)
        };
        let name = |one: &Value| Some(one.pointer("/what/function")?.as_str()?.to_owned());
        started.filter_map(|one| Some((name(one)?, took(one)?))).collect()
    }

    /// What each function's process has used, by the name of its binary.
    pub(crate) fn usage(&self) -> Vec<(String, Usage)> {
        let all = processes::all();
        let own = all.iter().find(|process| process.id == self.child.id()).map(|process| process.name.clone());
        // A process that was just begun is still its parent's copy, under the same name and with its memory.
        let is_function = |name: &String| own.as_ref() != Some(name);
        let children =
            all.into_iter().filter(|process| process.parent == self.child.id() && is_function(&process.name));
        children.map(|child| (child.name, Usage { cpu_ms: child.cpu_ms, resident_mib: child.resident_mib })).collect()
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An address of the service: `api`, `aws`, `console` or `paypal`.
    pub(crate) fn address(&self, of: &str) -> &str {
        self.ready.get(of).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn get(&self, of: &str, path: &str) -> Option<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.address(of))).call().ok()?;
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    }

    /// Posts JSON; how long the answer took, in milliseconds.
    pub(crate) fn post(&self, url: &str, body: &Value) -> Result<f64, Failure> {
        let since = Instant::now();
        let answer = self.agent.post(url).header("content-type", "application/json").send(body.to_string());
        let mut answer = answer.map_err(Failure::from(format!("cannot post to {url}")))?;
        let text = answer.body_mut().read_to_string().map_err(Failure::from(url))?;
        let took = since.elapsed().as_secs_f64() * 1e3;
        if answer.status().as_u16() >= 300 || answer.headers().contains_key("x-amz-function-error") {
            return Err(Failure::new(format!("{url} answers {}: {text}", answer.status())));
        }
        Ok(took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap_or_default();
        // It may have ended by itself; then there is nothing to wait for either.
        let _gone = kill(Pid::from_raw(pid), Signal::SIGINT);
        let _ended = self.child.wait();
    }
}
