//! The facts that are seen at once: as many lines as there is room for, the most dangerous whole.

use super::{
    Told, WIDTH,
    escape::{continued, inline, lines},
    wrapped,
};
use crate::{
    diff::Risk,
    render::text::{fitted, risk_words},
};

/// A fact takes so many lines at most.
const FACT_LINES: usize = 3;

/// How much of a fact is seen.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Whole,
    OneLine,
    Folded,
}

pub(super) struct Visible<'t, 'a> {
    lines: Vec<String>,
    folded: Vec<&'t Told<'a>>,
}

impl<'t, 'a> Visible<'t, 'a> {
    /// Chooses what is seen in so many lines. Facts come with the most dangerous first.
    pub(super) fn of(facts: &'t [Told<'a>], room: usize) -> Self {
        let mut seen = vec![Seen::Whole; facts.len()];
        for less in [Seen::OneLine, Seen::Folded] {
            for at in (0..facts.len()).rev() {
                if shown(facts, &seen).len() <= room {
                    break;
                }
                let is_destructive = facts.get(at).is_some_and(|told| told.fact.risk == Risk::Destructive);
                match seen.get_mut(at) {
                    Some(one) if !(is_destructive && less == Seen::Folded) => *one = less,
                    _ => {}
                }
            }
        }
        let mut lines = shown(facts, &seen);
        if lines.len() > room {
            lines = together(facts, room);
        }
        let folded = facts.iter().zip(&seen).filter(|(_, seen)| **seen == Seen::Folded).map(|(told, _)| told);
        Self { lines, folded: folded.collect() }
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn folded(&self) -> &[&'t Told<'a>] {
        &self.folded
    }
}

fn shown(facts: &[Told<'_>], seen: &[Seen]) -> Vec<String> {
    let mut out = Vec::new();
    let mut before = None;
    for (told, seen) in facts.iter().zip(seen).filter(|(_, seen)| **seen != Seen::Folded) {
        let risk = told.fact.risk;
        if before != Some(risk) {
            out.extend(before.map(|_| String::new()));
            out.push(heading(risk));
            before = Some(risk);
        }
        out.extend(if *seen == Seen::Whole { whole(told) } else { one_line(told) });
    }
    out
}

fn heading(risk: Risk) -> String {
    let sign = match risk {
        Risk::Destructive | Risk::Failure => '🔴',
        Risk::Exposure | Risk::Access | Risk::Protection => '🟠',
        Risk::Flow | Risk::Interruption => '🟡',
        Risk::Code | Risk::Cost | Risk::Note => '🔵',
    };
    format!("### {sign} {}", risk_words(risk).0)
}

/// A fact in at most three lines: what happens, and what is known beside.
pub(super) fn whole(told: &Told<'_>) -> Vec<String> {
    let beside = inline(&told.beside().join("; "));
    let beside = fitted(&beside, WIDTH - 10, 1).into_iter().next().map(|line| format!("  _{line}_"));
    let sentence = format!("- {}", inline(&told.sentence));
    let room = FACT_LINES - usize::from(beside.is_some());
    cut(&sentence, room).into_iter().chain(beside).collect()
}

fn one_line(told: &Told<'_>) -> Vec<String> {
    cut(&format!("- {}", inline(&told.sentence)), 1)
}

fn cut(text: &str, most: usize) -> Vec<String> {
    let fitted = fitted(text, WIDTH - 4, most);
    fitted
        .into_iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { format!("  {}", continued(&line)) })
        .collect()
}

/// So many destructive facts that even a line each is too much: what they are about, all names in a row, and how many more
/// where that is too much, too.
fn together(facts: &[Told<'_>], room: usize) -> Vec<String> {
    let destructive: Vec<_> = facts.iter().filter(|told| told.fact.risk == Risk::Destructive).collect();
    let names = destructive.iter().filter_map(|told| told.fact.subjects.first()).map(ToString::to_string);
    let names: Vec<String> = names.collect();
    let said = format!("- {} destructive facts, about {}", destructive.len(), names.join(", "));
    let all = wrapped(&said, WIDTH - 4);
    let mut out = vec![heading(Risk::Destructive)];
    let kept = room.saturating_sub(2).max(1);
    let left = all
        .iter()
        .skip(kept)
        .map(|line| line.split(", ").filter(|name| !name.trim().is_empty()).count())
        .sum::<usize>();
    out.extend(
        all.into_iter().take(kept).enumerate().map(|(at, line)| if at == 0 { line } else { format!("  {line}") }),
    );
    if left > 0 {
        out.extend(lines(&format!("  and **{left} more**: `cargo xtask diff --details` names them"), "  "));
    }
    out
}
