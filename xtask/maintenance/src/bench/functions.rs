//! The functions' release binaries: size, start, invocations, memory.

use std::collections::BTreeMap;

use contract::functions::ALL;
use serde_json::{Value, json};

use super::report::{Table, median, percentile};
use xtask::{commands::build, context::Context, report::Failure};

use crate::running::Running;

/// So often the service is started.
const STARTS: usize = 9;
/// So many events a function gets.
const EVENTS: usize = 10_000;

/// A function, what its events lead to, and the events.
type Case<'a> = (&'static str, &'static str, &'a dyn Fn(usize) -> Value);

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let architecture = build::this_machine()?;
    let built = build::pack(context, architecture, None)?;
    for (name, packed) in &built.manifest.functions {
        let (size, zipped) = (build::megabytes(packed.binary_size), build::megabytes(packed.size));
        table.add(format!("{name}: size"), format!("{size:.2} MB, {zipped:.2} MB zipped"), "at most 3 MB zipped");
    }
    let binaries = built.binaries;
    starts(context, &binaries, table)?;
    invocations(context, &binaries, table)
}

fn starts(context: &Context, binaries: &std::path::Path, table: &mut Table) -> Result<(), Failure> {
    let (mut wall, mut cpu, mut resident) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for _ in 0..STARTS {
        let running = Running::start(context, binaries, ALL.len(), None)?;
        for (name, took) in running.started() {
            wall.entry(name).or_insert_with(Vec::new).push(took);
        }
        for (name, usage) in running.usage() {
            cpu.entry(name.clone()).or_insert_with(Vec::new).push(usage.cpu_ms);
            resident.entry(name).or_insert_with(Vec::new).push(usage.resident_mib);
        }
    }
    for (name, values) in wall {
        table.add(format!("{name}: started until first poll, five at once"), median(values, "ms"), "");
    }
    for (name, values) in cpu {
        table.add(format!("{name}: CPU until first poll"), median(values, "ms"), "at most 8 ms");
    }
    for (name, values) in resident {
        table.add(format!("{name}: resident at first poll"), median(values, "MiB"), "at most 12 MiB");
    }
    Ok(())
}

fn invocations(context: &Context, binaries: &std::path::Path, table: &mut Table) -> Result<(), Failure> {
    let running = Running::start(context, binaries, ALL.len(), None)?;
    let url = |name: &str| {
        let aws = running.address("aws");
        format!("{aws}/2015-03-31/functions/paypal-subscriptions-local-{name}/invocations")
    };
    let create = |number: usize| {
        let body = json!({ "plan_id": "P-5ML4271244454362WXNWU5NQ", "custom_id": format!("buyer-{number}") });
        json!({ "body": body.to_string() })
    };
    let cases: [Case<'_>; 3] = [
        ("plans-list", "its answer at hand", &|_| json!({})),
        ("webhook-receiver", "refusing", &|_| json!({ "body": "{}" })),
        ("subscription-create", "with a call to PayPal's sandbox", &create),
    ];
    for (name, what, event) in cases {
        running.post(&url(name), &event(EVENTS))?;
        let took = (0..EVENTS).map(|number| running.post(&url(name), &event(number))).collect::<Result<Vec<_>, _>>()?;
        let text = format!("{:.2} ms, p99 {:.2} ms", percentile(&took, 50), percentile(&took, 99));
        table.add(format!("{name}: warm invocation, {what}"), text, "");
    }
    for (name, usage) in running.usage() {
        let called = cases.iter().any(|(called, ..)| *called == name);
        let what = if called { format!("after {EVENTS} events") } else { "at rest".to_owned() };
        table.add(format!("{name}: resident {what}"), format!("{:.2} MiB", usage.resident_mib), "no growth");
    }
    Ok(())
}
