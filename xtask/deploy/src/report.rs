//! How a deployment ended: outputs for people, one line of JSON for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    Failure, Format,
    change_set_text::Reviewed,
    events::first_cause,
    follow::Outcome,
    outputs,
    run::Run,
    stack::Stack,
    text::{print, print_json_line},
};

/// The last line of `--format json`. Fields are added, never changed or removed.
#[derive(Serialize)]
pub(crate) struct Shipped<'a> {
    /// Always `result`.
    event: &'static str,
    /// `deployed`, `unchanged` or `failed`.
    outcome: &'static str,
    /// The stack's name.
    stack: &'a str,
    /// The stack's ARN.
    stack_id: &'a str,
    /// CloudFormation's word for how the stack is.
    status: &'a str,
    /// How long CloudFormation took.
    seconds: f64,
    /// How many resources it touched.
    resources: usize,
    /// Bytes of zips that were uploaded.
    uploaded_bytes: u64,
    /// The outputs' values by their names.
    outputs: BTreeMap<&'a str, &'a str>,
    /// What went wrong first, when it failed.
    cause: Option<Cause<'a>>,
    #[serde(skip)]
    of: &'a Stack,
}

/// A resource that failed.
#[derive(Serialize)]
struct Cause<'a> {
    resource: &'a str,
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
}

impl<'a> Shipped<'a> {
    pub(crate) fn deployed(outcome: &'a Outcome, uploaded: u64) -> Self {
        Self::of("deployed", outcome, uploaded)
    }

    pub(crate) fn failed(outcome: &'a Outcome, uploaded: u64) -> Self {
        Self { cause: first_cause(&outcome.events).map(Cause::of), ..Self::of("failed", outcome, uploaded) }
    }

    pub(crate) fn unchanged(stack: &'a Stack) -> Self {
        Self {
            event: "result",
            outcome: "unchanged",
            stack: &stack.name,
            stack_id: &stack.id,
            status: stack.status.as_str(),
            seconds: 0.0,
            resources: 0,
            uploaded_bytes: 0,
            outputs: stack.outputs.iter().map(|output| (output.name.as_str(), output.value.as_str())).collect(),
            cause: None,
            of: stack,
        }
    }

    fn of(word: &'static str, outcome: &'a Outcome, uploaded_bytes: u64) -> Self {
        let (seconds, resources) = (outcome.seconds, outcome.resources);
        Self { outcome: word, seconds, resources, uploaded_bytes, ..Self::unchanged(&outcome.stack) }
    }
}

impl<'a> Cause<'a> {
    fn of(event: &'a crate::events::Event) -> Self {
        let crate::events::Event { resource, kind, status, reason, .. } = event;
        Self { resource, kind, status, reason }
    }
}

/// Says how it ended; a failure's text is left to whoever fails.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn shipped(run: &Run<'_>, shipped: &Shipped<'_>) -> Result<(), Failure> {
    if run.format == Format::Json {
        return print_json_line(shipped);
    }
    match shipped.outcome {
        "unchanged" => note!("{} is as it should be: nothing to deploy", shipped.stack),
        "deployed" => note!("deployed: {} resources in {:.1} s", shipped.resources, shipped.seconds),
        _ => return Ok(()),
    }
    print(&outputs::text(shipped.of))
}

/// The changes as a line of `--format json`.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn changes(
    run: &Run<'_>,
    change_set: &str,
    changes: &[Reviewed],
    review: Option<serde_json::Value>,
) -> Result<(), Failure> {
    /// Fields are added, never changed or removed.
    #[derive(Serialize)]
    struct Changes<'a> {
        /// Always `changes`.
        event: &'static str,
        /// The change set's ARN.
        change_set: &'a str,
        /// What CloudFormation would do.
        changes: &'a [Reviewed],
        /// Our own comparison, as `cargo xtask diff --format json` has it; none for a stack that is new.
        review: Option<serde_json::Value>,
    }
    if run.format == Format::Json {
        print_json_line(&Changes { event: "changes", change_set, changes, review })
    } else {
        Ok(())
    }
}
