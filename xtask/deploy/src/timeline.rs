//! `timeline`: how the last deployment went in time, and the chain of resources that it waited for.
//!
//! - `spans`: from when to when each resource was worked on, and what waited for what.
//! - `svg`: the same as a picture.
//! - `estimate`: how long a deployment will take, from those before it.

mod estimate;
mod spans;
mod svg;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use serde::Serialize;

use aws_sdk_cloudformation::types::ResourceChange;
use estimate::{Planned, estimate};
use spans::{Span, Timeline};

use crate::{
    Failure, Format,
    colour::s,
    failure::failure,
    operations,
    target::Target,
    text::{print, print_json, printable},
};

/// As many deployments back an estimate looks: what was long ago is another stack's.
const REMEMBERED: usize = 5;

/// What takes less needs no warning.
const WORTH_SAYING: Duration = Duration::from_secs(5);

/// As many of the slowest resources are named.
const SLOWEST: usize = 5;

/// Where the picture goes.
#[derive(Args)]
pub(crate) struct Options {
    /// Write the picture into this file, as SVG
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Report<'a> {
    /// The stack's name.
    stack: &'a str,
    /// `CREATE`, `UPDATE`, `DELETE` or `IMPORT`.
    operation: &'a str,
    #[serde(skip)]
    word: &'static str,
    /// The stack's status after it, or so far.
    status: &'a str,
    /// When it began, RFC 3339.
    began_at: String,
    /// How long it took, in seconds.
    seconds: f64,
    /// What was worked on, in the order of its beginning.
    resources: &'a [Span],
    /// The logical ids of the chain that the whole waited for, in its order.
    critical_path: Vec<&'a str>,
}

pub(crate) async fn run(target: &Target, format: Format, options: &Options) -> Result<ExitCode, Failure> {
    let template = template(target).await?;
    let operations = operations::read(target, 1).await?;
    let operation = operations
        .first()
        .ok_or_else(|| Failure::new(format!("nothing was done to {} yet", target.stack), "deploy it first"))?;
    let timeline = Timeline::of(operation, &template);
    if let Some(file) = &options.out {
        let picture = svg::draw(&target.stack, operation, &timeline);
        let name = printable(&file.display().to_string());
        std::fs::write(file, picture)
            .map_err(|error| Failure::new(format!("cannot write {name}: {error}"), "name another file with --out"))?;
        note!("wrote {name}");
    }
    let report = Report {
        stack: &target.stack,
        operation: operation.kind(),
        word: operation.word(),
        status: operation.status(),
        began_at: operation.events.first().map(|first| first.at.to_string()).unwrap_or_default(),
        seconds: operation.took().as_secs_f64(),
        resources: &timeline.spans,
        critical_path: timeline.critical().map(|span| span.id.as_str()).collect(),
    };
    match format {
        Format::Json => print_json(&report)?,
        Format::Text => print(&text(&report, &timeline))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error how long these changes will take, where that is known and worth saying.
///
/// # Errors
/// When AWS does not tell what was done before.
pub(crate) async fn foretell(
    target: &Target,
    changes: &[ResourceChange],
    template: &cfn::Template,
) -> Result<(), Failure> {
    let planned: Vec<_> = changes.iter().filter_map(Planned::of).collect();
    let past = operations::read(target, REMEMBERED).await?;
    let estimate = estimate(&planned, template, &past).filter(|estimate| estimate.time >= WORTH_SAYING);
    if let Some(estimate) = estimate {
        note!("it takes {estimate}");
        note!("  it waits for {}", printable(&estimate.chain.join(" -> ")));
    }
    Ok(())
}

/// The template that is deployed, as it was given.
async fn template(target: &Target) -> Result<cfn::Template, Failure> {
    let client = target.aws.cloudformation();
    let answer = client.get_template().stack_name(&target.stack).send().await;
    let answer = answer.map_err(|error| match crate::failure::says(&error, "does not exist") {
        true => crate::stack::missing(target),
        false => failure(&error, "cannot read the deployed template"),
    })?;
    cfn::read::template(answer.template_body().unwrap_or_default()).map_err(|error| {
        Failure::new(format!("the deployed template cannot be read: {error}"), "it was deployed by something else")
    })
}

fn text(report: &Report<'_>, timeline: &Timeline) -> String {
    let count = timeline.spans.len();
    let took = duration(Duration::from_secs_f64(report.seconds));
    let Report { stack, word, status, began_at, .. } = report;
    let mut text = format!("{stack}: the {word} of {began_at}, {status}\n{count} resource{} in {took}\n", s(count));
    if count == 0 {
        return text;
    }
    let row = |span: &Span| {
        let (start, took) = (duration(span.start()), duration(span.took()));
        printable(&format!("  {start:>8}  {took:>8}  {}  {}{}", span.id, span.kind, span.note())) + "\n"
    };
    text += "\nwhat it waited for\n     start      took\n";
    text += &timeline.critical().map(row).collect::<String>();
    let mut slowest: Vec<_> = timeline.spans.iter().collect();
    slowest.sort_by_key(|span| std::cmp::Reverse(span.took()));
    text += "\nthe slowest\n     start      took\n";
    text += &slowest.into_iter().take(SLOWEST).map(row).collect::<String>();
    text
}

/// A time for people: `42 s`, `3 min 5 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round();
    match (seconds / 60.0).floor() {
        minutes if minutes >= 1.0 => format!("{minutes} min {} s", seconds - minutes * 60.0),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, wanted) in [(0.2, "0 s"), (59.4, "59 s"), (60.0, "1 min 0 s"), (185.0, "3 min 5 s")] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), wanted);
        }
    }
}
