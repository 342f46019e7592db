//! How an operation is shown: a live tree on a terminal, lines otherwise, and events as JSON for programs.

use std::io::{IsTerminal, stderr};

use serde::Serialize;

use crate::{
    Failure, Format,
    events::Event,
    progress::{At, Progress, Resource},
    text::print_json_line,
    tree::Tree,
};

/// One operation, as it is shown.
pub(crate) struct View {
    format: Format,
    tree: Option<Tree>,
    progress: Progress,
}

/// A line of `--format json`: what CloudFormation says about one resource. Fields are added, never changed or removed.
#[derive(Serialize)]
struct ResourceEvent<'a> {
    /// Always `resource`.
    event: &'static str,
    /// As RFC 3339.
    time: &'a str,
    /// The logical id.
    resource: &'a str,
    /// Such as `AWS::SQS::Queue`.
    kind: &'a str,
    /// Such as `CREATE_COMPLETE`.
    status: &'a str,
    /// Why, where CloudFormation says so.
    reason: &'a str,
    /// Whether it is the stack itself.
    stack: bool,
}

impl View {
    /// `title` says what is followed, such as the stack's name.
    pub(crate) fn new(title: &str, format: Format) -> Self {
        let live = stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { format, tree: live.then(|| Tree::new(title)), progress: Progress::default() }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.tree.is_some()
    }

    /// Shows what happened.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn take(&mut self, events: &[Event]) -> Result<(), Failure> {
        for event in events {
            let before = self.progress.resources.iter().find(|resource| resource.name == event.resource);
            let known = before.is_some_and(|resource| resource.status == event.status);
            let elapsed = event.seconds - self.progress.began.unwrap_or(event.seconds);
            let now = self.progress.apply(event);
            if self.tree.is_none() && !known {
                note!("{}", line(event, now, elapsed));
            }
            if self.format == Format::Json {
                let Event { time, resource, kind, status, reason, of_stack, .. } = event;
                let event = "resource";
                print_json_line(&ResourceEvent { event, time, resource, kind, status, reason, stack: *of_stack })?;
            }
        }
        if let Some(tree) = self.tree.as_mut().filter(|_| !events.is_empty()) {
            tree.heard();
        }
        self.redraw();
        Ok(())
    }

    /// Draws the tree again, with its durations as they are now.
    pub(crate) fn redraw(&self) {
        if let Some(tree) = &self.tree {
            tree.draw(&self.progress);
        }
    }

    /// The resource that CloudFormation works on, for people.
    pub(crate) fn under_way(&self) -> String {
        let resources = self.progress.resources.iter().filter(|resource| resource.at() == At::UnderWay);
        let mut names: Vec<_> = resources.map(|resource| resource.name.as_str()).collect();
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        match names.as_slice() {
            [] => "CloudFormation".to_owned(),
            names => format!("CloudFormation: {}{more}", names.join(", ")),
        }
    }

    /// How long the operation took, in seconds, and how many resources it touched.
    pub(crate) fn summary(&self) -> (f64, usize) {
        (self.progress.elapsed(self.progress.latest), self.progress.resources.len())
    }
}

/// An event as a line of a log.
fn line(event: &Event, now: Option<&Resource>, elapsed: f64) -> String {
    let Event { resource, kind, status, reason, .. } = event;
    let took = now.filter(|resource| resource.ended.is_some()).map(|resource| resource.seconds(0.0));
    let took = took.map(|seconds| format!(", {seconds:.1} s")).unwrap_or_default();
    let reason = if event.failed() || event.of_stack { reason.as_str() } else { "" };
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("{elapsed:7.1} s  {status:<20}  {resource}  {kind}{took}{reason}")
}
