//! Runs jobs several at once, ends those that take too long, and says how far it is.

use std::{
    io::{IsTerminal, Read, Seek},
    num::NonZero,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{
    DEADLINE,
    job::{Job, Outcome},
};
use crate::{context::Context, report::Failure};

/// How often deadlines and interrupts are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often progress is told where no line can be overwritten.
const TOLD: Duration = Duration::from_secs(10);

/// What became of all jobs.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) passed: u64,
    pub(super) ignored: Vec<String>,
    pub(super) failed: Vec<String>,
    /// Seconds by job.
    pub(super) seconds: Vec<(String, f64)>,
}

/// A job whose process runs.
struct Running {
    job: Job,
    group: Pid,
    output: std::fs::File,
    since: Instant,
    late: bool,
}

/// Runs the jobs in this order, twice as many at once as there are processors: most tests wait most of the time.
pub(super) fn run(context: &Context, jobs: Vec<Job>, command: impl Fn(&Job) -> Command) -> Result<Ran, Failure> {
    crate::stops_by_itself();
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let registered = signal_hook::flag::register(signal, Arc::clone(&interrupted));
        registered.map_err(Failure::from("cannot listen for signals"))?;
    }
    let at_once = 2 * thread::available_parallelism().map_or(1, NonZero::get);
    let all = jobs.len();
    let mut waiting = jobs.into_iter();
    let mut running: Vec<Running> = Vec::new();
    let mut ran = Ran::default();
    let mut progress = Progress::new(context, all);
    let (ended, ends) = mpsc::channel();
    loop {
        while running.len() < at_once
            && let Some(job) = waiting.next()
        {
            running.push(start(job, &command, &ended)?);
        }
        if running.is_empty() {
            progress.clear();
            return Ok(ran);
        }
        if let Ok((group, status)) = ends.recv_timeout(TICK)
            && let Some(place) = running.iter().position(|each| each.group == group)
        {
            let done = running.swap_remove(place);
            // What a test started ends with it. Mostly there is nothing left, and no such group.
            let _gone = killpg(group, Signal::SIGKILL);
            progress.clear();
            finish(done, status, &mut ran);
        }
        for each in running.iter_mut().filter(|each| !each.late && each.since.elapsed() > DEADLINE) {
            each.late = true;
            let _gone = killpg(each.group, Signal::SIGKILL);
        }
        if interrupted.load(Ordering::Relaxed) {
            for each in &running {
                let _gone = killpg(each.group, Signal::SIGKILL);
            }
            let names: Vec<_> = running.iter().map(|each| each.job.name.as_str()).collect();
            return Err(Failure::new(format!("interrupted; these tests were running: {}", names.join(", "))));
        }
        progress.tell(&ran, &running, all - waiting.len() - running.len());
    }
}

/// Starts a job; what it prints goes to a file, because a pipe that a grandchild keeps open would never end.
fn start(
    job: Job,
    command: &impl Fn(&Job) -> Command,
    ended: &mpsc::Sender<(Pid, ExitStatus)>,
) -> Result<Running, Failure> {
    let cannot = || format!("cannot start {}", job.name);
    let output = tempfile().map_err(Failure::from(cannot()))?;
    let (out, err) = (output.try_clone(), output.try_clone());
    let (out, err) = (out.map_err(Failure::from(cannot()))?, err.map_err(Failure::from(cannot()))?);
    let child = command(&job).stdout(Stdio::from(out)).stderr(Stdio::from(err)).spawn();
    let child = child.map_err(Failure::from(cannot()))?;
    let group = Pid::from_raw(i32::try_from(child.id()).map_err(Failure::from(cannot()))?);
    let ended = ended.clone();
    thread::spawn(move || wait(child, group, &ended));
    Ok(Running { job, group, output, since: Instant::now(), late: false })
}

fn wait(mut child: Child, group: Pid, ended: &mpsc::Sender<(Pid, ExitStatus)>) {
    if let Ok(status) = child.wait() {
        // Nobody listens any more after an interrupt.
        let _unheard = ended.send((group, status));
    }
}

/// A file without a name, that is gone when it is closed.
fn tempfile() -> std::io::Result<std::fs::File> {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("xtask-test-{}-{number}", std::process::id()));
    let file = std::fs::OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// Counts what ended, and prints the output of what failed.
fn finish(mut done: Running, status: ExitStatus, ran: &mut Ran) {
    let mut bytes = Vec::new();
    let read = done.output.rewind().and_then(|()| done.output.read_to_end(&mut bytes));
    let output = String::from_utf8_lossy(&bytes);
    let Outcome { passed, ignored, failure } = done.job.outcome(status, &output);
    let seconds = done.since.elapsed().as_secs_f64();
    let failure = match (done.late, read) {
        (true, _) => Some(format!("did not end within {} s and was killed", DEADLINE.as_secs())),
        (false, Err(error)) => Some(format!("its output cannot be read: {error}")),
        (false, Ok(_)) => failure,
    };
    let name = done.job.name;
    if let Some(why) = failure {
        eprintln!("FAILED {name}: {why}\n{output}");
        ran.failed.push(format!("{name}: {why}"));
    }
    ran.passed += passed;
    ran.ignored.extend(ignored);
    ran.seconds.push((name, seconds));
}

/// A line that says how far it is: overwritten on a terminal, told every ten seconds elsewhere.
struct Progress {
    all: usize,
    since: Instant,
    told: Instant,
    quiet: bool,
    overwrites: bool,
}

impl Progress {
    fn new(context: &Context, all: usize) -> Self {
        let now = Instant::now();
        Self { all, since: now, told: now, quiet: context.quiet, overwrites: std::io::stderr().is_terminal() }
    }

    fn tell(&mut self, ran: &Ran, running: &[Running], done: usize) {
        if self.quiet || (!self.overwrites && self.told.elapsed() < TOLD) {
            return;
        }
        self.told = Instant::now();
        let longest = running.iter().min_by_key(|each| each.since);
        let longest = longest.map_or_else(String::new, |each| {
            format!(", longest running: {} ({} s)", each.job.name, each.since.elapsed().as_secs())
        });
        let failed = ran.failed.len();
        let line =
            format!("{done} of {} done, {failed} failed, {} s{longest}", self.all, self.since.elapsed().as_secs());
        if self.overwrites {
            let line: String = line.chars().take(width()).collect();
            eprint!("\r\u{1b}[K{line}");
        } else {
            eprintln!("{line}");
        }
    }

    fn clear(&self) {
        if self.overwrites && !self.quiet {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// The columns of a line that does not wrap.
fn width() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(79, |(width, _)| usize::from(width.0).saturating_sub(1))
}
