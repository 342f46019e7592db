//! For people at a terminal: the most dangerous first, values only if they are asked for.

use std::collections::BTreeMap;

use super::{
    Review,
    details::{Entry, Sign, entries},
    text::{
        RISKS, change_set_in_words, counted, counted_changes, counted_risks, fitted, plain, risk_words, undo_in_all,
        wrapped,
    },
    told::{self, Told, word},
};
use cfn::guard::Guard;

use crate::diff::{Detail, Risk};

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The terminal's width in characters; lines take 80 of them at least, and 120 at most.
    pub width: usize,
    /// Whether colours are shown.
    pub colour: bool,
    /// Whether every value is shown.
    pub unfolded: bool,
}

/// A sentence takes so many lines: in 80 columns its numbers still have room behind four names.
const SENTENCE_LINES: usize = 3;
/// What is beside it takes so many.
const BESIDE_LINES: usize = 2;
/// A value takes so many lines.
const VALUE_LINES: usize = 8;

/// Reviews for people at a terminal.
#[must_use]
pub fn terminal(reviews: &[Review<'_>], style: Style) -> String {
    let width = style.width.clamp(80, 120);
    let mut out = Screen { text: String::new(), width, colour: style.colour };
    for review in reviews {
        head(&mut out, review);
    }
    let facts = told::facts(reviews);
    if reviews.len() > 1 && !facts.is_empty() {
        out.blank();
        out.line("", "What follows holds in all of them, unless it is said.");
    }
    for risk in RISKS {
        group(&mut out, &facts, risk, style);
    }
    if !facts.is_empty() {
        let undo = undo_in_all(facts.iter().map(|told| told.fact));
        out.blank();
        out.wrapped("", &format!("Undo: {undo}."), 6);
    }
    if style.unfolded {
        let entries = entries(reviews);
        if !entries.is_empty() {
            out.blank();
            out.line(BOLD, "Every change");
        }
        entries.iter().for_each(|entry| unfolded(&mut out, entry));
    } else if reviews.iter().any(|review| !review.diff.is_empty()) {
        out.blank();
        out.line(DIM, "--details shows every value.");
    }
    out.text
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const GREEN: &str = "32";
const PLAIN_RED: &str = "31";

fn colour(risk: Risk) -> &'static str {
    match risk {
        Risk::Destructive | Risk::Failure => RED,
        Risk::Exposure | Risk::Access | Risk::Protection | Risk::Flow | Risk::Interruption => YELLOW,
        Risk::Code | Risk::Cost | Risk::Note => BLUE,
    }
}

fn head(out: &mut Screen, review: &Review<'_>) {
    let diff = review.diff;
    let begin = format!("{} against {}", plain(review.name), plain(review.against));
    if diff.is_empty() {
        out.wrapped(BOLD, &format!("{begin}: nothing changes"), 2);
        predicted(out, review);
        return;
    }
    let risks = counted_risks(diff.facts.iter().map(|fact| fact.risk));
    let risks = if risks.is_empty() { "nothing that a reviewer has to know".to_owned() } else { risks };
    out.wrapped(BOLD, &format!("{begin}: {risks}"), 2);
    if !diff.changes.is_empty() {
        out.wrapped(DIM, &counted_changes(&diff.changes), 2);
    }
    predicted(out, review);
    let mut guards: BTreeMap<Guard, Vec<&str>> = BTreeMap::new();
    for blocked in &diff.verdict.blocked {
        guards.entry(blocked.guard).or_default().push(blocked.resource.as_str());
    }
    for (guard, resources) in guards {
        out.wrapped(RED, &format!("BLOCKED by {guard}: {}", resources.join(", ")), 2);
        let first = resources.first().copied().unwrap_or_default();
        let name = plain(review.name);
        let file = if review.is_environment {
            format!(", or guards.allow in environments/{name}.yaml")
        } else {
            String::new()
        };
        out.wrapped("", &format!("  to allow one: --allow {guard}={first}{file}"), 4);
    }
    for allowed in &diff.verdict.allowed {
        let allowance = &allowed.allowance;
        let (guard, reason) = (word(&allowance.guard), plain(&allowance.reason));
        out.wrapped("", &format!("allowed {guard}: {} ({reason})", allowance.resource), 2);
    }
}

fn predicted(out: &mut Screen, review: &Review<'_>) {
    if let Some((said, warns)) = change_set_in_words(review) {
        out.wrapped(if warns { YELLOW } else { DIM }, &plain(&said), 2);
    }
}

fn group(out: &mut Screen, facts: &[Told<'_>], risk: Risk, style: Style) {
    let mut facts = told::of_risk(facts, risk).peekable();
    if facts.peek().is_none() {
        return;
    }
    out.blank();
    out.line(colour(risk), risk_words(risk).0);
    for told in facts {
        for (at, line) in fitted(&told.sentence, out.width - 4, SENTENCE_LINES).iter().enumerate() {
            let begin = if at == 0 { "  " } else { "    " };
            out.line("", &format!("{begin}{line}"));
        }
        let beside = told.beside().join("; ");
        fitted(&beside, out.width - 4, BESIDE_LINES).iter().for_each(|line| out.line(DIM, &format!("    {line}")));
        if style.unfolded {
            told.fact.details.iter().for_each(|detail| one_detail(out, detail));
        }
    }
}

fn one_detail(out: &mut Screen, detail: &Detail) {
    let text = plain(&detail.text);
    let value = |shown: &crate::diff::Shown| plain(&shown.to_string());
    let said = match (&detail.old, &detail.new) {
        (None, None) => text,
        (Some(old), None) => format!("{text}: was {}", value(old)),
        (None, Some(new)) => format!("{text}: {}", value(new)),
        (Some(old), Some(new)) => format!("{text}: {} -> {}", value(old), value(new)),
    };
    fitted(&said, out.width - 6, VALUE_LINES).iter().for_each(|line| out.line("", &format!("      {line}")));
}

fn unfolded(out: &mut Screen, entry: &Entry<'_>) {
    let only = if entry.only.is_empty() { String::new() } else { format!(" (only in {})", entry.only.join(", ")) };
    out.wrapped("", &format!("  {}{only}", entry.heading), 4);
    for line in &entry.lines {
        let colour = match line.sign {
            Sign::Removed => PLAIN_RED,
            Sign::Added => GREEN,
            Sign::Note => DIM,
        };
        let lines = fitted(&line.text, out.width - 6, VALUE_LINES);
        lines.iter().for_each(|text| out.line(colour, &format!("    {} {text}", line.sign.char())));
        let letters =
            wrapped(&line.text, out.width - 6).iter().skip(VALUE_LINES).map(|rest| rest.chars().count()).sum();
        if letters > 0 {
            out.line(DIM, &format!("      and {} more", counted(letters, "character")));
        }
    }
}

struct Screen {
    text: String,
    width: usize,
    colour: bool,
}

impl Screen {
    fn line(&mut self, colour: &str, text: &str) {
        if self.colour && !colour.is_empty() {
            self.text.push_str(&format!("\x1b[{colour}m{text}\x1b[0m\n"));
        } else {
            self.text.push_str(&format!("{text}\n"));
        }
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// As many lines as it takes, all but the first one further in.
    fn wrapped(&mut self, colour: &str, text: &str, further: usize) {
        let begin: String = text.chars().take_while(|char| *char == ' ').collect();
        for (at, line) in wrapped(text, self.width - further - begin.len()).iter().enumerate() {
            let further = if at == 0 { String::new() } else { " ".repeat(further) };
            self.line(colour, &format!("{begin}{further}{line}"));
        }
    }
}
