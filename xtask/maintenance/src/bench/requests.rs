//! What a request costs on its way through an HTTP API to a function and back, at one and at sixteen connections; in the
//! same rounds beside cargo-lambda, ministack, and the limits: a bare HTTP server, and events handed over back to back.

use std::{collections::BTreeMap, time::Duration};

use super::{
    client::Place,
    limits::{Bare, events_per_second},
    load::{self, count},
    report::{Table, median, number},
    runners::{Runner, Workshop},
};
use xtask::{context::Context, report::Failure};

const ROUNDS: usize = 5;
/// How long each is loaded in a round.
const WHILE: Duration = Duration::from_millis(800);
const MANY: usize = 16;
/// So many connections the curve has.
const CONNECTIONS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// What the rounds found, each value a round's.
#[derive(Default)]
struct Found {
    per_second: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu_us: Vec<f64>,
}

type All = BTreeMap<(&'static str, usize), Found>;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    workshop.missing().into_iter().for_each(|(peer, why)| table.missing(peer, why));
    let bare = Bare::start()?;
    let ours = workshop.ours(context)?;
    let one = workshop.cargo_lambda("cargo-lambda", 1)?;
    let sixteen = workshop.cargo_lambda("cargo-lambda, 16 environments", MANY)?;
    let ministack = workshop.ministack()?;
    let runners: Vec<&Runner> = std::iter::once(&ours).chain(&one).chain(&sixteen).chain(&ministack).collect();
    let mut found = All::new();
    // All environments are started by a round that does not count.
    for runner in &runners {
        load::run(&runner.api, &runner.get("/"), MANY, WHILE)?;
    }
    for _ in 0..ROUNDS {
        for connections in [1, MANY] {
            let limit = load::run(&bare.place, &bare.place.request("GET", "/", &[], b""), connections, WHILE)?;
            note(&mut found, ("a bare HTTP server", connections), &limit, None);
            for runner in &runners {
                let before = runner.cpu_ms();
                let load = load::run(&runner.api, &runner.get("/"), connections, WHILE)?;
                note(&mut found, (runner.name, connections), &load, Some(runner.cpu_ms() - before));
            }
        }
    }
    let mut back_to_back = BTreeMap::new();
    for _ in 0..ROUNDS {
        for processes in [1, 2] {
            let events = events_per_second(&workshop.function(), processes, WHILE)?;
            back_to_back.entry(processes).or_insert_with(Vec::new).push(events);
        }
    }
    tell(table, &found, back_to_back);
    curve(table, &ours.api, &ours)
}

fn note(found: &mut All, key: (&'static str, usize), load: &load::Load, cpu_ms: Option<f64>) {
    let found = found.entry(key).or_default();
    found.per_second.push(load.per_second);
    found.p50.push(load.percentile(50.0));
    found.p99.push(load.percentile(99.0));
    found.cpu_us.extend(cpu_ms.map(|cpu| cpu * 1e3 / count(load.requests)));
}

fn tell(table: &mut Table, found: &All, back_to_back: BTreeMap<usize, Vec<f64>>) {
    for ((name, connections), Found { per_second, p50, p99, cpu_us }) in found {
        let cpu = if cpu_us.is_empty() {
            String::new()
        } else {
            format!(", CPU {}", median(cpu_us.clone(), "µs a request"))
        };
        let text = format!(
            "{}, p50 {}, p99 {}{cpu}",
            median(per_second.clone(), "requests/s"),
            median(p50.clone(), "ms"),
            median(p99.clone(), "ms")
        );
        let connections =
            if *connections == 1 { "1 connection".to_owned() } else { format!("{connections} connections") };
        table.add(format!("{name}, {connections}"), text, "");
    }
    for (processes, events) in back_to_back {
        let what = format!("events back to back, {processes} environment{}", if processes == 1 { "" } else { "s" });
        table.add(what, median(events, "/s"), "");
    }
    let (ours_1, ours_16) = (found.get(&("local", 1)), found.get(&("local", MANY)));
    let (theirs_1, theirs_16) = (found.get(&("cargo-lambda", 1)), found.get(&("cargo-lambda", MANY)));
    let sixteen = found.get(&("cargo-lambda, 16 environments", MANY));
    let mut ratio = |what: &str, ours: Option<&Vec<f64>>, theirs: Option<&Vec<f64>>, wanted| {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            table.add(format!("{what}, of cargo-lambda's"), median(ratios, "times"), wanted);
        }
    };
    let (p50, p99) = (
        |found: Option<&'_ Found>| found.map(|found| found.p50.clone()),
        |found: Option<&'_ Found>| found.map(|found| found.p99.clone()),
    );
    let (cpu, rate) = (
        |found: Option<&'_ Found>| found.map(|found| found.cpu_us.clone()),
        |found: Option<&'_ Found>| found.map(|found| found.per_second.clone()),
    );
    ratio("p50 at 1 connection", p50(ours_1).as_ref(), p50(theirs_1).as_ref(), "at most 0.6");
    ratio("requests/s at 16 connections", rate(ours_16).as_ref(), rate(theirs_16).as_ref(), "at least 1.7");
    ratio("CPU a request at 1 connection", cpu(ours_1).as_ref(), cpu(theirs_1).as_ref(), "at most 0.5");
    ratio("CPU a request at 16 connections", cpu(ours_16).as_ref(), cpu(theirs_16).as_ref(), "at most 0.5");
    ratio("p99 at 16 environments", p99(ours_16).as_ref(), p99(sixteen).as_ref(), "at most 0.3");
}

/// How cost grows with connections.
fn curve(table: &mut Table, place: &Place, ours: &Runner) -> Result<(), Failure> {
    for connections in CONNECTIONS {
        let before = ours.cpu_ms();
        let load = load::run(place, &ours.get("/"), connections, WHILE)?;
        let cpu = (ours.cpu_ms() - before) / count(load.requests);
        let at = count(u64::try_from(connections).unwrap_or(u64::MAX));
        let text = format!("p50 {} ms, CPU {} µs a request", number(load.percentile(50.0)), number(cpu * 1e3));
        table.add(format!("local, {connections} connections, once"), text, "");
        table.point("connections", "p50", "ms", at, load.percentile(50.0));
        table.point("connections", "CPU a request", "ms", at, cpu);
    }
    Ok(())
}
