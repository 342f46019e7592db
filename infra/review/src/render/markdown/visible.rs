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

/// What the signs of headings mean.
pub(super) const LEGEND: &str =
    "🔴 loss or failure · 🟠 more open, or less protected · 🟡 another way, or a pause · 🔵 the rest";

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
        let mut drawn: Vec<Drawn<'t, 'a>> = facts.iter().map(Drawn::of).collect();
        for less in [Seen::OneLine, Seen::Folded] {
            for at in (0..drawn.len()).rev() {
                if height(&drawn) <= room {
                    break;
                }
                if let Some(one) = drawn.get_mut(at).filter(|one| less == Seen::OneLine || !one.is_destructive()) {
                    one.seen = less;
                }
            }
        }
        let lines = if height(&drawn) > room { together(facts, room) } else { shown(&drawn) };
        let folded = drawn.iter().filter(|one| one.seen == Seen::Folded).map(|one| one.told);
        Self { lines, folded: folded.collect() }
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn folded(&self) -> &[&'t Told<'a>] {
        &self.folded
    }
}

/// A fact, written as it is seen.
struct Drawn<'t, 'a> {
    told: &'t Told<'a>,
    whole: Vec<String>,
    one_line: Vec<String>,
    seen: Seen,
}

impl<'t, 'a> Drawn<'t, 'a> {
    fn of(told: &'t Told<'a>) -> Self {
        let one_line = cut(&format!("- {}", inline(&told.sentence)), 1);
        Self { told, whole: whole(told), one_line, seen: Seen::Whole }
    }

    fn is_destructive(&self) -> bool {
        self.told.fact.risk == Risk::Destructive
    }

    fn lines(&self) -> &[String] {
        match self.seen {
            Seen::Whole => &self.whole,
            Seen::OneLine => &self.one_line,
            Seen::Folded => &[],
        }
    }
}

/// How many lines they take, with headings and what is between.
fn height(drawn: &[Drawn<'_, '_>]) -> usize {
    let mut risks: Vec<Risk> =
        drawn.iter().filter(|one| one.seen != Seen::Folded).map(|one| one.told.fact.risk).collect();
    risks.dedup();
    drawn.iter().map(|one| one.lines().len()).sum::<usize>() + (2 * risks.len()).saturating_sub(1)
}

fn shown(drawn: &[Drawn<'_, '_>]) -> Vec<String> {
    let mut out = Vec::new();
    let mut before = None;
    for one in drawn.iter().filter(|one| one.seen != Seen::Folded) {
        let risk = one.told.fact.risk;
        if before != Some(risk) {
            out.extend(before.map(|_| String::new()));
            out.push(heading(risk));
            before = Some(risk);
        }
        out.extend_from_slice(one.lines());
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
