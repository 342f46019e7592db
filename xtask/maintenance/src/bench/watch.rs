//! `local --watch`: from a saved file to the first answer of what was saved, beside what cargo takes of that.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ureq::Agent;

use super::report::{Table, median};
use xtask::{context::Context, report::Failure};

/// So often a handler is changed.
const SAVES: usize = 9;
/// Longer than anything here takes, the first build included.
const PATIENCE: Duration = Duration::from_secs(1200);
/// What is changed in the handler, so that its answer is another one.
const CHANGED: &str = "name: plan.name,";
/// How the line begins that says what a change took.
const SAID: &str = "watch      plans-list: built in ";

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let copy = context.root.join("target/bench/watch");
    let _old = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).map_err(Failure::from(format!("cannot make {}", copy.display())))?;
    for part in ["Cargo.toml", "Cargo.lock", ".cargo", "environments", "handlers", "infra", "xtask"] {
        copy_sources(&context.root.join(part), &copy.join(part))?;
    }
    let source = copy.join("handlers/src/bin/plans-list.rs");
    let text = fs::read_to_string(&source).map_err(Failure::from(format!("cannot read {}", source.display())))?;
    if !text.contains(CHANGED) {
        return Err(Failure::new(format!("there is no `{CHANGED}` in {} to be changed", source.display())));
    }
    let watching = Watching::start(context, &copy)?;
    let (mut whole, mut compile, mut swap, mut asked) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for number in 0..SAVES {
        let marker = format!("save-{number}");
        let changed = text.replace(CHANGED, &format!("name: Some({marker:?}.to_owned()),"));
        fs::write(&source, changed).map_err(Failure::from(format!("cannot write {}", source.display())))?;
        let since = Instant::now();
        asked += watching.ask_until(&marker)?;
        let took = since.elapsed().as_secs_f64();
        let built = watching.built()?;
        whole.push(took);
        compile.push(built);
        swap.push((took - built) * 1e3);
    }
    drop(watching);
    let _copy = fs::remove_dir_all(&copy);
    table.add("saved file to first new answer", median(whole, "s"), "");
    table.add("of that, what cargo takes", median(compile, "s"), "");
    table.add("of that, everything else", median(swap, "ms"), "at most 150 ms");
    table.add("requests meanwhile, none of which failed", asked.to_string(), "none fails");
    Ok(())
}

/// A file, or a folder without what cargo makes.
fn copy_sources(from: &Path, to: &Path) -> Result<(), Failure> {
    let cannot = || format!("cannot copy {}", from.display());
    if from.is_file() {
        return fs::copy(from, to).map(|_| ()).map_err(Failure::from(cannot()));
    }
    fs::create_dir_all(to).map_err(Failure::from(cannot()))?;
    for entry in fs::read_dir(from).map_err(Failure::from(cannot()))? {
        let name = entry.map_err(Failure::from(cannot()))?.file_name();
        if name != "target" {
            copy_sources(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

/// A running `local --watch`.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    agent: Agent,
    url: String,
}

impl Watching {
    /// Starts it in a copy of the project. What it builds lies beside what was built already.
    fn start(context: &Context, copy: &Path) -> Result<Self, Failure> {
        let ready: PathBuf = copy.join("ready.json");
        let program = crate::xtask_program()?;
        let mut command = Command::new(program);
        command.args([
            "local",
            "--watch",
            "--port",
            "0",
            "--console-port",
            "0",
            "--aws-port",
            "0",
            "--paypal-port",
            "0",
        ]);
        command.arg("--ready-file").arg(&ready).current_dir(copy).env("CARGO_TARGET_DIR", context.root.join("target"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::from("cannot start `local`"))?;
        let (tell, lines) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines().map_while(Result::ok);
                // Nobody reads them any more when the measurement is over.
                lines.for_each(|line| drop(tell.send(line)));
            });
        }
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut watching = Self { child, lines, agent, url: String::new() };
        watching.line("Ctrl-C stops everything")?;
        let text = fs::read_to_string(&ready).map_err(Failure::from(format!("cannot read {}", ready.display())))?;
        let ready: serde_json::Value = serde_json::from_str(&text).map_err(Failure::from("no addresses"))?;
        let api = ready.get("api").and_then(serde_json::Value::as_str).unwrap_or_default();
        watching.url = format!("{api}/plans/list");
        Ok(watching)
    }

    /// The next line in which this stands.
    fn line(&self, wanted: &str) -> Result<String, Failure> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).map_err(Failure::from(format!("waited for {wanted:?}")))?;
            if line.contains(wanted) {
                return Ok(line);
            }
        }
    }

    /// Asks until this stands in the answer; how often. Each answer must be one.
    fn ask_until(&self, marker: &str) -> Result<usize, Failure> {
        let since = Instant::now();
        for asked in 1.. {
            let mut answer = self.agent.get(&self.url).call().map_err(Failure::from(&self.url))?;
            let text = answer.body_mut().read_to_string().map_err(Failure::from(&self.url))?;
            if answer.status() != 200 {
                return Err(Failure::new(format!("{} answers {}: {text}", self.url, answer.status())));
            }
            if text.contains(marker) {
                return Ok(asked);
            }
            if since.elapsed() > PATIENCE {
                break;
            }
        }
        Err(Failure::new(format!("{} never answers {marker}", self.url)))
    }

    /// How long cargo took for the last change, in seconds.
    fn built(&self) -> Result<f64, Failure> {
        let line = self.line(SAID)?;
        let seconds = line.split_once(SAID).and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        seconds.ok_or_else(|| Failure::new(format!("there is no time in {line:?}")))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap_or_default();
        // It may have ended by itself; then there is nothing to wait for either.
        let _gone = kill(Pid::from_raw(pid), Signal::SIGINT);
        let _ended = self.child.wait();
    }
}
