//! An operation as a tree: what failed, what is under way, how much is done. Drawn anew in its place.

use std::{
    io::{Write, stderr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use crate::{
    heartbeat,
    progress::{At, Progress, Resource},
    terminal,
};

/// A tree on the terminal.
pub(crate) struct Tree {
    title: String,
    colour: bool,
    /// When the latest event came, by this machine's clock.
    heard: Instant,
}

impl Tree {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), colour: terminal::has_colour(), heard: Instant::now() }
    }

    pub(crate) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Draws over what was drawn before.
    pub(crate) fn draw(&self, progress: &Progress) {
        let (columns, rows) = terminal::size();
        let now = progress.latest + self.heard.elapsed().as_secs_f64();
        let lines = lines(&self.title, progress, now, rows.saturating_sub(2).max(4));
        let mut text = back();
        for line in &lines {
            text += &line.paint(columns.saturating_sub(1), self.colour);
            text += "\n";
        }
        DRAWN.store(lines.len(), Ordering::Relaxed);
        write(&text);
    }
}

/// Lines of a tree that are on the screen now. There is one screen.
static DRAWN: AtomicUsize = AtomicUsize::new(0);

/// Takes the tree away, if one is drawn, so that other text can be written in its place.
pub(crate) fn make_room() {
    let back = back();
    if !back.is_empty() {
        write(&back);
    }
}

/// To the beginning of the tree, with nothing below.
fn back() -> String {
    match DRAWN.swap(0, Ordering::Relaxed) {
        0 => String::new(),
        drawn => format!("\x1b[{drawn}A\x1b[J"),
    }
}

fn write(text: &str) {
    let mut out = stderr().lock();
    // A terminal that is gone is no reason to stop a deployment.
    let _shown = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    heartbeat::printed();
}

/// A line, and what it is about.
#[derive(Debug, PartialEq)]
struct Line {
    text: String,
    at: Option<At>,
}

impl Line {
    fn paint(&self, width: usize, colour: bool) -> String {
        let text: String = self.text.chars().take(width).collect();
        let code = match self.at {
            Some(At::Failed) => "31",
            Some(At::UnderWay) => "33",
            Some(At::Done) => "32",
            None => "1",
        };
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
    }
}

/// The tree, in at most this many lines.
fn lines(title: &str, progress: &Progress, now: f64, most: usize) -> Vec<Line> {
    let of = |at| progress.resources.iter().filter(move |resource| resource.at() == at);
    let mut lines =
        vec![Line { text: format!("{title}  {}  {:.0} s", progress.status, progress.elapsed(now)), at: None }];
    for (at, name) in [(At::Failed, "failed"), (At::UnderWay, "under way")] {
        if of(at).next().is_some() {
            lines.push(Line { text: format!("  {name}"), at: Some(at) });
            lines.extend(of(at).map(|resource| Line { text: branch(resource, now), at: Some(at) }));
        }
    }
    let done: Vec<_> = of(At::Done).collect();
    // The tree gives way at its end, where the news are oldest.
    if lines.len() > most.saturating_sub(1) {
        let hidden = lines.len() - most.saturating_sub(2);
        lines.truncate(most.saturating_sub(2));
        lines.push(Line { text: format!("    and {hidden} more"), at: Some(At::UnderWay) });
    }
    lines.push(Line { text: format!("  done {}", done.len()), at: Some(At::Done) });
    // The latest that are done fill the rest.
    let mut latest = done;
    latest.sort_by(|one, other| other.ended.unwrap_or(0.0).total_cmp(&one.ended.unwrap_or(0.0)));
    let room = most.saturating_sub(lines.len()).min(5);
    lines
        .extend(latest.into_iter().take(room).map(|resource| Line { text: branch(resource, now), at: Some(At::Done) }));
    lines
}

fn branch(resource: &Resource, now: f64) -> String {
    let Resource { name, kind, status, reason, .. } = resource;
    let reason = if resource.at() == At::Failed { format!("  {reason}") } else { String::new() };
    format!("    {name}  {kind}  {status}  {:.0} s{reason}", resource.seconds(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Event;

    fn progress(events: &[(&str, &str, f64)]) -> Progress {
        let mut progress = Progress::default();
        for (resource, status, seconds) in events {
            progress.apply(&Event {
                id: String::new(),
                time: String::new(),
                seconds: *seconds,
                resource: (*resource).to_owned(),
                kind: "AWS::SQS::Queue".to_owned(),
                status: (*status).to_owned(),
                reason: if status.ends_with("FAILED") { "it is there".to_owned() } else { String::new() },
                of_stack: *resource == "stack",
            });
        }
        progress
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.text.clone() + "\n").collect()
    }

    #[test]
    fn failures_stand_first_and_what_is_done_last() {
        let progress = progress(&[
            ("stack", "CREATE_IN_PROGRESS", 100.0),
            ("A", "CREATE_IN_PROGRESS", 101.0),
            ("B", "CREATE_IN_PROGRESS", 101.0),
            ("C", "CREATE_IN_PROGRESS", 102.0),
            ("A", "CREATE_COMPLETE", 104.0),
            ("B", "CREATE_FAILED", 106.0),
        ]);
        let wanted = "shop  CREATE_IN_PROGRESS  10 s\n  failed\n    B  AWS::SQS::Queue  CREATE_FAILED  5 s  it is there\n  \
                      under way\n    C  AWS::SQS::Queue  CREATE_IN_PROGRESS  8 s\n  done 1\n    \
                      A  AWS::SQS::Queue  CREATE_COMPLETE  3 s\n";
        assert_eq!(text(&lines("shop", &progress, 110.0, 20)), wanted);
    }

    #[test]
    fn a_small_terminal_gets_a_small_tree() {
        let names: Vec<_> = (0..100).map(|at| format!("Queue{at}")).collect();
        let events: Vec<_> = names.iter().map(|name| (name.as_str(), "CREATE_IN_PROGRESS", 1.0)).collect();
        let lines = lines("shop", &progress(&events), 2.0, 8);
        assert_eq!(lines.len(), 8);
        assert!(text(&lines).ends_with("    and 96 more\n  done 0\n"), "{}", text(&lines));
    }

    #[test]
    fn long_lines_are_cut_so_that_the_tree_can_be_drawn_over() {
        let line = Line { text: "a".repeat(100), at: Some(At::Done) };
        assert_eq!(line.paint(9, false), "a".repeat(9));
    }
}
