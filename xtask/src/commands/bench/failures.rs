//! What it costs the next caller when an environment crashed or was too late.

use std::time::Instant;

use super::{
    client::Connection,
    report::{Table, median},
    runners::{Runner, Workshop, ask},
};
use crate::{context::Context, report::Failure};

/// So often it crashes.
const CRASHES: usize = 20;
/// So often it is late, which takes a second each time.
const TIMEOUTS: usize = 5;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    if workshop.cargo_lambda(" ", 1)?.is_some() {
        let text = "a process that exits hangs its caller and all later ones; nothing is ever too late";
        table.add("cargo-lambda", text, "");
    }
    let (ours, ministack) = (workshop.ours(context)?, workshop.ministack()?);
    for runner in std::iter::once(&ours).chain(&ministack) {
        for (what, request, times) in [("crashed", "/?do=exit", CRASHES), ("was too late", "/?do=hang", TIMEOUTS)] {
            let values = more_than_usual(runner, request, times)?;
            let wanted = if runner.name == "local" { "at most 5 ms" } else { "" };
            table.add(format!("{}: next request after one {what}, beyond a usual one", runner.name), median(values, "ms"), wanted);
        }
    }
    Ok(())
}

/// How much longer than the one before it a request takes that comes after a failed one, in milliseconds.
fn more_than_usual(runner: &Runner, failing: &str, times: usize) -> Result<Vec<f64>, Failure> {
    let (fine, failing) = (runner.get("/"), runner.get(failing));
    let mut connection = runner.api.connect();
    let mut more = Vec::new();
    for _ in 0..times {
        ask(&mut connection, &fine)?;
        let usual = took(&mut connection, &fine)?;
        let failed = connection.exchange(&failing).map_err(Failure::from("no answer"))?.status;
        if failed < 500 {
            return Err(Failure::new(format!("{} answers {failed} for a function that fails", runner.name)));
        }
        more.push(took(&mut connection, &fine)? - usual);
    }
    Ok(more)
}

fn took(connection: &mut Connection, request: &[u8]) -> Result<f64, Failure> {
    let since = Instant::now();
    ask(connection, request)?;
    Ok(since.elapsed().as_secs_f64() * 1e3)
}
