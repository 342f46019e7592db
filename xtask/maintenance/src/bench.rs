//! `bench`: what is promised, measured. Nothing here passes or fails: it prints what is, beside what is wanted.

mod client;
mod diff;
mod failures;
mod functions;
mod growth;
mod limits;
mod load;
mod messages;
mod plot;
mod probes;
mod queue;
mod readiness;
mod report;
mod requests;
mod runners;
mod synth;
mod verification;
mod watch;
mod webhooks;

use std::{fs, time::Instant};

use report::Table;
use xtask::{
    cli::Bench,
    context::{Context, write_whole},
    report::Failure,
};

struct Measurement {
    name: &'static str,
    run: fn(&Context, &mut Table) -> Result<(), Failure>,
}

const MEASUREMENTS: &[Measurement] = &[
    // First: it reads how much memory the largest process needed that was started so far.
    Measurement { name: "synth", run: synth::measure },
    Measurement { name: "diff", run: diff::measure },
    Measurement { name: "growth", run: growth::measure },
    Measurement { name: "requests", run: requests::measure },
    Measurement { name: "readiness", run: readiness::measure },
    Measurement { name: "failures", run: failures::measure },
    Measurement { name: "messages", run: messages::measure },
    Measurement { name: "queue", run: queue::measure },
    Measurement { name: "webhooks", run: webhooks::measure },
    Measurement { name: "probes", run: probes::measure },
    Measurement { name: "verification", run: verification::measure },
    Measurement { name: "functions", run: functions::measure },
    Measurement { name: "watch", run: watch::measure },
];

pub(crate) fn run(context: &Context, options: &Bench) -> Result<(), Failure> {
    let chosen = |one: &&Measurement| options.only.as_ref().is_none_or(|only| one.name.contains(only.as_str()));
    let mut report = format!("# Measurements\n\nOn {}.\n", machine());
    let mut curves = Vec::new();
    for Measurement { name, run } in MEASUREMENTS.iter().filter(chosen) {
        context.progress(&format!("measuring {name}"));
        let (mut table, since) = (Table::default(), Instant::now());
        run(context, &mut table)?;
        report.push_str(&format!("\n## {name}, in {} s\n\n{}", since.elapsed().as_secs(), table.markdown()));
        curves.append(&mut table.curves);
    }
    let folder = context.root.join("target/bench");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    if let Some(picture) = plot::svg(&curves) {
        write_whole(&folder.join("growth.svg"), picture)?;
        report.push_str("\n## How cost grows\n\n![Cost by size, both axes logarithmic](growth.svg)\n");
    }
    write_whole(&folder.join("report.md"), &report)?;
    print!("{report}");
    Ok(())
}

/// What the figures were measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build =
        if cfg!(debug_assertions) { "command line in a debug build" } else { "command line in a release build" };
    format!("{cores} cores, {}, {build}", std::env::consts::ARCH)
}
