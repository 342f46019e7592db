//! `diagnose`: why the last deployment failed: its first cause, where that is defined, and what usually mends it.
//!
//! - `reasons`: what AWS says, and what it mostly means.

mod reasons;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::Args;
use serde::Serialize;

use crate::{
    Failure, Format,
    colour::{Colour, Paint},
    operations::{self, Event, Operation},
    target::Target,
    text::{print, print_json, printable},
};

/// What CloudFormation says of resources that it left unfinished because another one failed.
const CASCADE: &str = "cancelled";

/// Where things are defined.
#[derive(Args)]
pub(crate) struct Diagnose {
    /// Where each logical id is defined, as JSON: {"ErrorsQueue": "infra/src/service.rs:27"}
    #[arg(long, value_name = "FILE")]
    definitions: Option<PathBuf>,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Debug, Serialize)]
struct Diagnosis<'a> {
    /// The stack's name.
    stack: &'a str,
    /// `CREATE`, `UPDATE`, `DELETE` or `IMPORT`.
    operation: &'a str,
    #[serde(skip)]
    word: &'static str,
    /// When it began, RFC 3339.
    began_at: String,
    /// The stack's status after it.
    status: &'a str,
    /// Whether it failed.
    failed: bool,
    /// What failed first; nothing where no resource did.
    cause: Option<Cause<'a>>,
    /// What else failed by itself, not because the first did.
    also: Vec<Cause<'a>>,
    /// What failed while CloudFormation rolled back.
    rollback: Option<Cause<'a>>,
    /// How many resources were left unfinished because of it.
    cancelled: usize,
}

/// A resource that failed.
#[derive(Debug, Serialize)]
struct Cause<'a> {
    /// The logical id.
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    /// Such as `CREATE_FAILED`.
    status: &'a str,
    /// What AWS says.
    reason: &'a str,
    /// When, RFC 3339.
    at: String,
    /// Where it is defined, as file and line, where that is known.
    definition: Option<&'a str>,
    /// What such a reason mostly means, where that is known.
    means: Option<&'static str>,
    /// What mends it.
    mend: Option<String>,
}

pub(crate) async fn run(target: &Target, format: Format, options: &Diagnose) -> Result<ExitCode, Failure> {
    let definitions = options.definitions.as_ref().map(read).transpose()?.unwrap_or_default();
    let operations = operations::read(target, 1).await?;
    let operation = operations.first().ok_or_else(|| {
        Failure::new(format!("nothing was done to {} yet", target.stack), "there is nothing to diagnose")
    })?;
    let diagnosis = diagnose(&target.stack, operation, &definitions);
    match format {
        Format::Json => print_json(&diagnosis)?,
        Format::Text => print(&text(&diagnosis, Paint::new()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads where things are defined.
fn read(file: &PathBuf) -> Result<BTreeMap<String, String>, Failure> {
    let name = file.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            format!("cannot read {name}: {error}"),
            "it is JSON: {\"ErrorsQueue\": \"infra/src/service.rs:27\"}",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

fn diagnose<'a>(stack: &'a str, operation: &'a Operation, definitions: &'a BTreeMap<String, String>) -> Diagnosis<'a> {
    let rolls_back = operation.events.iter().position(|event| event.of_stack && event.status.contains("ROLLBACK"));
    let (forward, back) = operation.events.split_at(rolls_back.unwrap_or(operation.events.len()));
    let failed =
        |events: &'a [Event]| events.iter().filter(|event| event.status.ends_with("_FAILED") && !event.of_stack);
    let is_cascade = |event: &&Event| event.reason.contains(CASCADE);
    let mut causes = failed(forward).filter(|event| !is_cascade(event)).map(|event| cause(event, definitions));
    let first = causes.next();
    // Where no resource failed, the stack itself says why: an alarm rang, or somebody stopped it.
    let own = || {
        let said = operation.events.iter().find(|event| event.of_stack && event.status.contains("ROLLBACK"));
        said.or_else(|| operation.events.iter().find(|event| event.of_stack && event.status.ends_with("_FAILED")))
    };
    let ended_well = operation.succeeded() || !operation.is_over();
    Diagnosis {
        stack,
        operation: operation.kind(),
        word: operation.word(),
        began_at: operation.events.first().map(|first| first.at.to_string()).unwrap_or_default(),
        status: operation.status(),
        failed: operation.is_over() && !operation.succeeded(),
        cause: first.or_else(|| own().filter(|_| !ended_well).map(|event| cause(event, definitions))),
        also: causes.collect(),
        rollback: failed(back).find(|event| !is_cascade(event)).map(|event| cause(event, definitions)),
        cancelled: failed(forward).filter(is_cascade).count(),
    }
}

fn cause<'a>(event: &'a Event, definitions: &'a BTreeMap<String, String>) -> Cause<'a> {
    let known = reasons::of(&event.kind, &event.reason);
    Cause {
        id: &event.id,
        kind: &event.kind,
        status: &event.status,
        reason: &event.reason,
        at: event.at.to_string(),
        definition: definitions.get(&event.id).map(String::as_str),
        means: known.as_ref().map(|known| known.means),
        mend: known.map(|known| known.mend),
    }
}

fn text(diagnosis: &Diagnosis<'_>, paint: Paint) -> String {
    let Diagnosis { stack, word, began_at, status, .. } = diagnosis;
    let first = format!("{stack}: the {word} of {began_at}");
    if !diagnosis.failed && diagnosis.cause.is_none() {
        let how = if status.ends_with("_IN_PROGRESS") { "goes on, and nothing has failed" } else { "did not fail" };
        return format!("{first} {how} ({status})\n");
    }
    let ended = if diagnosis.failed { "failed" } else { "goes on, and will fail" };
    let mut text = format!("{first} {ended} ({status})\n");
    if let Some(cause) = &diagnosis.cause {
        text += &format!("\n{}\n{}", paint.paint(Colour::Red, "first cause"), described(cause));
    }
    for cause in &diagnosis.also {
        text += &format!("\nalso failed\n{}", described(cause));
    }
    if diagnosis.cancelled > 0 {
        let count = diagnosis.cancelled;
        let were = if count == 1 { "resource was" } else { "resources were" };
        text += &format!("\n{count} {were} left unfinished because of it\n");
    }
    if let Some(cause) = &diagnosis.rollback {
        text += &format!("\nfailed while it was rolled back\n{}", described(cause));
    }
    text
}

fn described(cause: &Cause<'_>) -> String {
    let mut rows = vec![
        ("resource", format!("{}  {}", printable(cause.id), printable(cause.kind))),
        ("says", printable(&format!("{}: {}", cause.status, cause.reason))),
    ];
    rows.extend(cause.definition.map(|place| ("defined", printable(place))));
    match (cause.means, &cause.mend) {
        (Some(means), Some(mend)) => {
            rows.push(("means", means.to_owned()));
            rows.push(("mend", printable(mend)));
        }
        _ => rows.push(("mend", "the reason is AWS's own, and none of the usual ones".to_owned())),
    }
    rows.into_iter().map(|(name, value)| format!("  {name:<9} {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::tests::at;

    const STACK: &str = "AWS::CloudFormation::Stack";
    const QUEUE: &str = "AWS::SQS::Queue";

    fn failed_update() -> Operation {
        let exists = "shop-prod-errors already exists in stack arn:aws:cloudformation:eu-west-1:1:stack/other/1";
        Operation {
            events: vec![
                at(0, "stack", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
                at(1, "Topic", "AWS::SNS::Topic", "CREATE_IN_PROGRESS", ""),
                at(2, "ErrorsQueue", QUEUE, "CREATE_FAILED", exists),
                at(2, "Topic", "AWS::SNS::Topic", "CREATE_FAILED", "Resource creation cancelled"),
                at(
                    3,
                    "stack",
                    STACK,
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "The following resource(s) failed to create: [ErrorsQueue, Topic].",
                ),
                at(4, "OldQueue", QUEUE, "UPDATE_FAILED", "Rate exceeded\u{1b}[2J"),
                at(5, "stack", STACK, "UPDATE_ROLLBACK_FAILED", ""),
            ],
        }
    }

    #[test]
    fn the_first_cause_stands_first_and_what_followed_is_counted() {
        let definitions = BTreeMap::from([("ErrorsQueue".to_owned(), "infra/src/service.rs:27".to_owned())]);
        let operation = failed_update();
        let diagnosis = diagnose("shop-prod", &operation, &definitions);
        insta::assert_snapshot!(text(&diagnosis, Paint::none()), @r"
        shop-prod: the update of 2026-11-01T00:00:00Z failed (UPDATE_ROLLBACK_FAILED)

        first cause
          resource  ErrorsQueue  AWS::SQS::Queue
          says      CREATE_FAILED: shop-prod-errors already exists in stack arn:aws:cloudformation:eu-west-1:1:stack/other/1
          defined   infra/src/service.rs:27
          means     something of this name is there already: of another stack, made by hand, or kept from a stack that is gone
          mend      import it into the stack, rename one of the two, or delete it if nothing needs it

        1 resource was left unfinished because of it

        failed while it was rolled back
          resource  OldQueue  AWS::SQS::Queue
          says      UPDATE_FAILED: Rate exceeded\u{1b}[2J
          means     AWS throttled CloudFormation
          mend      wait a minute, then deploy again
        ");
    }

    #[test]
    fn what_went_well_is_not_diagnosed() {
        let mut operation = failed_update();
        operation.events.truncate(2);
        operation.events.push(at(9, "stack", STACK, "UPDATE_COMPLETE", ""));
        let definitions = BTreeMap::new();
        let said = text(&diagnose("shop-prod", &operation, &definitions), Paint::none());
        assert_eq!(said, "shop-prod: the update of 2026-11-01T00:00:00Z did not fail (UPDATE_COMPLETE)\n");
    }

    #[test]
    fn an_alarm_that_rang_is_the_cause_where_no_resource_failed() {
        let reason = "Rollback was triggered by alarm arn:aws:cloudwatch:eu-west-1:1:alarm:shop-api-5xx in ALARM state";
        let operation = Operation {
            events: vec![
                at(0, "stack", STACK, "UPDATE_IN_PROGRESS", ""),
                at(60, "stack", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", reason),
                at(90, "stack", STACK, "UPDATE_ROLLBACK_COMPLETE", ""),
            ],
        };
        let definitions = BTreeMap::new();
        let diagnosis = diagnose("shop-prod", &operation, &definitions);
        let cause = diagnosis.cause.unwrap();
        assert_eq!((cause.id, cause.reason), ("stack", reason));
        assert!(cause.mend.is_some());
    }
}
