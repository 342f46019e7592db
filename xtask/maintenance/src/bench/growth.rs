//! How the cost of a template grows with its resources: making and writing it, checking it, comparing it with another.

use std::time::Instant;

use review::diff::{Context as Known, diff};

use super::{
    load::count,
    report::{Table, median},
    synth::queues,
};
use xtask::{context::Context, report::Failure};

const ROUNDS: usize = 15;
/// Queues, each with its policy: CloudFormation takes no more than 500 resources in a template, and others may.
const QUEUES: [usize; 5] = [31, 62, 125, 250, 500];

pub(super) fn measure(_: &Context, table: &mut Table) -> Result<(), Failure> {
    for queues_in_it in QUEUES {
        let (mut made, mut checked, mut compared) = (Vec::new(), Vec::new(), Vec::new());
        let before = queues("before", queues_in_it)?;
        for _ in 0..ROUNDS {
            let since = Instant::now();
            let template = queues("after", queues_in_it)?;
            let _text = cfn::write::json(&template);
            made.push(since.elapsed().as_secs_f64() * 1e3);
            let since = Instant::now();
            let _findings = review::check::template(&template);
            checked.push(since.elapsed().as_secs_f64() * 1e3);
            let since = Instant::now();
            let _found = diff(&before, &template, &Known::default());
            compared.push(since.elapsed().as_secs_f64() * 1e3);
        }
        let resources = before.resources.len();
        let at = count(u64::try_from(resources).unwrap_or(u64::MAX));
        for (name, values) in [("synth", &made), ("validate", &checked), ("diff", &compared)] {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted.get(ROUNDS / 2).copied().unwrap_or_default();
            table.point("resources in a template", name, "ms", at, middle);
        }
        let [made, checked, compared] = [made, checked, compared].map(|values| median(values, "ms"));
        let text = format!("made and written {made}, checked {checked}, compared {compared}");
        table.add(format!("{resources} resources"), text, "growth no worse than linear");
    }
    Ok(())
}
