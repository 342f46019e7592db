//! What it costs the next caller when an environment crashed or was too late, beside what a request usually takes. With
//! cargo-lambda no request is answered any more after one of either: the probes show that.

use std::time::Instant;

use super::{
    client::Connection,
    report::{Table, median},
    runners::{Runner, Workshop, ask},
};
use xtask::{context::Context, report::Failure};

/// So often it crashes.
const CRASHES: usize = 20;
/// So often it is late, which takes a second each time.
const TIMEOUTS: usize = 5;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    workshop.missing().into_iter().for_each(|(peer, why)| table.missing(peer, why));
    let (ours, ministack) = (workshop.ours(context)?, workshop.ministack()?);
    for runner in std::iter::once(&ours).chain(&ministack) {
        for (what, request, times) in [("crashed", "/?do=exit", CRASHES), ("was too late", "/?do=hang", TIMEOUTS)] {
            let (usual, next) = usual_and_next(runner, request, times)?;
            let wanted = if runner.name == "local" { "at most 5 ms" } else { "" };
            let text = format!("{}, usually {}", median(next, "ms"), median(usual, "ms"));
            table.add(format!("{}: next request after one {what}", runner.name), text, wanted);
        }
    }
    Ok(())
}

/// How long a request takes, and how long one that comes after a failed one, in milliseconds.
fn usual_and_next(runner: &Runner, failing: &str, times: usize) -> Result<(Vec<f64>, Vec<f64>), Failure> {
    let (fine, failing) = (runner.get("/"), runner.get(failing));
    let mut connection = runner.api.connect();
    let (mut usual, mut next) = (Vec::new(), Vec::new());
    for _ in 0..times {
        ask(&mut connection, &fine)?;
        usual.push(took(&mut connection, &fine)?);
        let failed = connection.exchange(&failing).map_err(Failure::from("no answer"))?.status;
        if failed < 500 {
            return Err(Failure::new(format!("{} answers {failed} for a function that fails", runner.name)));
        }
        next.push(took(&mut connection, &fine)?);
    }
    Ok((usual, next))
}

fn took(connection: &mut Connection, request: &[u8]) -> Result<f64, Failure> {
    let since = Instant::now();
    ask(connection, request)?;
    Ok(since.elapsed().as_secs_f64() * 1e3)
}
