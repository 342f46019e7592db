//! Every change with its values, for those who unfold it.

use super::{
    Review,
    text::{outcome, plain},
    told::{Alike, alike},
};
use crate::diff::{Action, Change, PropertyChange, SectionChange, Shown};

/// A resource or another part of the template that differs.
pub(super) struct Entry<'a> {
    pub(super) heading: String,
    pub(super) lines: Vec<Line>,
    /// The reviews that have it, where not all have it.
    pub(super) only: Vec<&'a str>,
}

/// A line of an entry.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) sign: Sign,
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Removed,
    Added,
    /// Something that is neither: where it comes from, what it follows.
    Note,
}

impl Sign {
    pub(super) fn char(self) -> char {
        match self {
            Self::Removed => '-',
            Self::Added => '+',
            Self::Note => ' ',
        }
    }
}

/// What differs in all reviews, the most dangerous first.
pub(super) fn entries<'a>(reviews: &[Review<'a>]) -> Vec<Entry<'a>> {
    let mut changes: Vec<(Review<'a>, &'a Change)> =
        reviews.iter().flat_map(|review| review.diff.changes.iter().map(|change| (*review, change))).collect();
    changes.sort_by_key(|(_, change)| outcome(change).0);
    let changes = changes.into_iter().map(|(review, change)| (review, heading(change), lines(change)));
    let sections = reviews.iter().flat_map(|review| {
        review.diff.sections.iter().map(|section| (*review, plain(&section.path.to_string()), section_lines(section)))
    });
    let items = changes.chain(sections).map(|(review, heading, lines)| {
        let said = std::iter::once(heading).chain(lines.iter().map(|line| line.text.clone())).collect();
        (review, lines, said)
    });
    alike(reviews.len(), items)
        .into_iter()
        .map(|Alike { item, lines, only }| {
            let mut said = lines.into_iter();
            let heading = said.next().unwrap_or_default();
            let lines = item.into_iter().zip(said).map(|(line, text)| Line { text, ..line }).collect();
            Entry { heading, lines, only }
        })
        .collect()
}

/// `VerifiedFifoQueue (AWS::SQS::Queue): replaced`.
fn heading(change: &Change) -> String {
    let renamed = match &change.action {
        Action::Renamed { from } => format!(", was {from}"),
        _ => String::new(),
    };
    plain(&format!("{} ({}){renamed}: {}", change.id, change.kind, outcome(change).1))
}

fn lines(change: &Change) -> Vec<Line> {
    let note = |text: String| Line { sign: Sign::Note, text: plain(&text) };
    let mut lines = Vec::new();
    if !change.follows.is_empty() {
        let followed: Vec<_> = change.follows.iter().map(ToString::to_string).collect();
        lines.push(note(format!("follows {}", followed.join(", "))));
    }
    if let Some(predicted) = &change.predicted {
        let replacement = predicted.replacement.map(|replacement| format!(", replacement {replacement:?}"));
        lines.push(note(format!("CloudFormation says {}{}", predicted.action, replacement.unwrap_or_default())));
    }
    if let Some(source) = &change.source {
        lines.push(note(format!("defined at {source}")));
    }
    let around = format!("Resources.{}.", change.id);
    lines.extend(change.properties.iter().flat_map(|property| property_lines(property, &around)));
    lines
}

fn property_lines(property: &PropertyChange, around: &str) -> Vec<Line> {
    let path = property.path.to_string();
    let path = path.strip_prefix(around).unwrap_or(&path);
    let path = path.strip_prefix("Properties.").unwrap_or(path);
    values(path, property.old.as_ref(), property.new.as_ref(), property.sensitive)
}

fn section_lines(section: &SectionChange) -> Vec<Line> {
    values("", section.old.as_ref(), section.new.as_ref(), false)
}

fn values(path: &str, old: Option<&Shown>, new: Option<&Shown>, sensitive: bool) -> Vec<Line> {
    let begin = if path.is_empty() { String::new() } else { format!("{path}: ") };
    if sensitive && old.is_some() && new.is_some() {
        return vec![Line { sign: Sign::Note, text: plain(&format!("{begin}changed (hidden)")) }];
    }
    let line = |sign: Sign, value: &Shown| Line { sign, text: plain(&format!("{begin}{value}")) };
    let removed = old.map(|value| line(Sign::Removed, value));
    removed.into_iter().chain(new.map(|value| line(Sign::Added, value))).collect()
}
