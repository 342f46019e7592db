//! From the start to the first answer with everything built, and what waiting for requests costs.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    client::Place,
    load::count,
    report::{Table, median, number},
    runners::{Runner, Workshop, until_answered},
};
use xtask::{cargo, context::Context, report::Failure};

use crate::ports;

const ROUNDS: usize = 7;
/// How long rest is looked at, once it is quiet.
const REST: Duration = Duration::from_secs(3);

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    workshop.missing().into_iter().for_each(|(peer, why)| table.missing(peer, why));
    let (mut ours, mut theirs, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    cargo::handlers_folder(context, false)?;
    for _ in 0..ROUNDS {
        let since = Instant::now();
        let (ended, place) = workshop.begin_ours(context)?;
        until_answered(&place, &place.request("GET", "/", &[], b""))?;
        ours.push(since.elapsed().as_secs_f64() * 1e3);
        drop(ended);
        let since = Instant::now();
        if let Some((ended, place)) = workshop.begin_cargo_lambda(1)? {
            until_answered(&place, &place.request("GET", "/lambda-url/echo/", &[], b""))?;
            theirs.push(since.elapsed().as_secs_f64() * 1e3);
            drop(ended);
        }
        whole.push(cargo_xtask_local(context)?);
    }
    let ratio = |ours: &[f64]| ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>();
    table.add("local: started until the first answer", median(ours.clone(), "ms"), "at most 100 ms");
    if !theirs.is_empty() {
        table.add("cargo lambda watch: started until the first answer", median(theirs.clone(), "ms"), "");
        table.add("local, of cargo lambda watch's", median(ratio(&ours), "times"), "at most 0.1");
    }
    table.add("`cargo xtask local` of this service, with cargo's own work", median(whole.clone(), "ms"), "");
    rest(&workshop.ours(context)?, table, "at most 25 MB, no CPU");
    for peer in [workshop.cargo_lambda("cargo-lambda", 1)?, workshop.ministack()?].into_iter().flatten() {
        rest(&peer, table, "");
    }
    Ok(())
}

/// The command as a person types it, until the service answers; in milliseconds.
fn cargo_xtask_local(context: &Context) -> Result<f64, Failure> {
    let [port] = ports::free()?;
    let place = Place::of(&format!("127.0.0.1:{port}"));
    let mut command = Command::new(cargo::program());
    command.args(["run", "--quiet", "--package", "xtask", "--", "-q", "local", "--port", &port.to_string()]);
    command.args(["--console-port", "0", "--aws-port", "0", "--paypal-port", "0"]).current_dir(&context.root);
    let since = Instant::now();
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut started = started.map_err(Failure::from("cannot start cargo"))?;
    until_answered(&place, &place.request("GET", "/plans/list", &[], b""))?;
    let took = since.elapsed().as_secs_f64() * 1e3;
    if let Ok(id) = i32::try_from(started.id()) {
        // Cargo has become the program that it ran.
        let _gone = kill(Pid::from_raw(id), Signal::SIGINT);
    }
    started.wait().map_err(Failure::from("cargo xtask local"))?;
    Ok(took)
}

/// Memory and processor time of a runner that has nothing to do.
fn rest(runner: &Runner, table: &mut Table, wanted: &'static str) {
    thread::sleep(Duration::from_secs(1));
    let before = runner.cpu_ms();
    thread::sleep(REST);
    let cpu = (runner.cpu_ms() - before) / (count(REST.as_secs()) * 10.0);
    let family = runner.family();
    let megabytes = |mib: f64| number(mib * 1.048_576);
    let own = family.iter().find(|process| process.id == runner.id());
    let (resident, anonymous) = own.map_or((0.0, 0.0), |process| (process.resident_mib, process.anonymous_mib));
    let all: f64 = family.iter().map(|process| process.resident_mib).sum();
    let text = format!(
        "{} MB, of that {} MB not the program's file; with all its processes {} MB; CPU {} %",
        megabytes(resident),
        megabytes(anonymous),
        megabytes(all),
        number(cpu)
    );
    table.add(format!("{} at rest", runner.name), text, wanted);
}
