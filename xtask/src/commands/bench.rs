//! `bench`: what is promised, measured. Nothing here passes or fails: it prints what is, beside what is wanted.

mod diff;
mod functions;
mod synth;
mod verification;
mod watch;

use std::{fs, time::Instant};

use crate::{
    cli::Bench,
    context::{Context, write_whole},
    report::Failure,
};

/// Results of one measurement, a line each.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    measured: String,
    wanted: &'static str,
}

impl Table {
    fn add(&mut self, what: impl Into<String>, measured: impl Into<String>, wanted: &'static str) {
        self.rows.push(Row { what: what.into(), measured: measured.into(), wanted });
    }

    fn markdown(&self) -> String {
        let rows =
            self.rows.iter().map(|Row { what, measured, wanted }| format!("| {what} | {measured} | {wanted} |\n"));
        format!("| what | measured | wanted |\n| --- | --- | --- |\n{}", rows.collect::<String>())
    }
}

struct Measurement {
    name: &'static str,
    run: fn(&Context, &mut Table) -> Result<(), Failure>,
}

const MEASUREMENTS: &[Measurement] = &[
    // First: it reads how much memory the largest process needed that was started so far.
    Measurement { name: "synth", run: synth::measure },
    Measurement { name: "diff", run: diff::measure },
    Measurement { name: "verification", run: verification::measure },
    Measurement { name: "functions", run: functions::measure },
    Measurement { name: "watch", run: watch::measure },
];

pub(crate) fn run(context: &Context, options: &Bench) -> Result<(), Failure> {
    let chosen = |one: &&Measurement| options.only.as_ref().is_none_or(|only| one.name.contains(only.as_str()));
    let mut report = format!("# Measurements\n\nOn {}.\n", machine());
    for Measurement { name, run } in MEASUREMENTS.iter().filter(chosen) {
        context.progress(&format!("measuring {name}"));
        let (mut table, since) = (Table::default(), Instant::now());
        run(context, &mut table)?;
        report.push_str(&format!("\n## {name}, in {} s\n\n{}", since.elapsed().as_secs(), table.markdown()));
    }
    let folder = context.root.join("target/bench");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
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

/// The value in the middle, and the range of the middle half.
fn median(mut values: Vec<f64>, unit: &str) -> String {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or_default();
    format!("{:.2} {unit} ({:.2} to {:.2})", at(2), at(1), at(3))
}

/// The value that so many of a hundred stay below.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
