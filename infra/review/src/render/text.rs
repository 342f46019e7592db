//! Pieces of text that several forms have in common.

use std::collections::BTreeMap;

use super::{ChangeSet, Review};
use crate::diff::{Action, Change, Consequence, Fact, Risk, Undo};

/// Risks, the greatest first.
pub(super) const RISKS: [Risk; 10] = [
    Risk::Destructive,
    Risk::Failure,
    Risk::Exposure,
    Risk::Access,
    Risk::Protection,
    Risk::Flow,
    Risk::Interruption,
    Risk::Code,
    Risk::Cost,
    Risk::Note,
];

/// What facts of a risk are called: above them, and counted.
pub(super) fn risk_words(risk: Risk) -> (&'static str, &'static str) {
    match risk {
        Risk::Destructive => ("Destructive", "destructive change"),
        Risk::Failure => ("Will it fail?", "foreseen failure"),
        Risk::Exposure => ("Exposure", "change of exposure"),
        Risk::Access => ("Access", "change of access"),
        Risk::Protection => ("Protection", "change of protection"),
        Risk::Flow => ("Way of events", "change of the way of events"),
        Risk::Interruption => ("Interruption", "interruption"),
        Risk::Code => ("Code", "change of code"),
        Risk::Cost => ("Cost and limits", "change of cost or limits"),
        Risk::Note => ("Worth knowing", "note"),
    }
}

/// `2 destructive changes, 1 change of code`.
pub(super) fn counted_risks(risks: impl Iterator<Item = Risk>) -> String {
    let mut counts: BTreeMap<Risk, usize> = BTreeMap::new();
    risks.for_each(|risk| *counts.entry(risk).or_default() += 1);
    let each = counts.into_iter().map(|(risk, count)| {
        let words = risk_words(risk).1;
        // What is counted stands before the first "of".
        let (noun, rest) =
            words.split_once(" of ").map_or((words, String::new()), |(noun, of)| (noun, format!(" of {of}")));
        format!("{}{rest}", counted(count, noun))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// `14 resources: 1 replaced, 13 updated`.
pub(super) fn counted_changes(changes: &[Change]) -> String {
    let mut counts: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    for change in changes {
        let (order, word) = outcome(change);
        counts.entry(order).or_insert((0, word)).0 += 1;
    }
    // Replaced is replaced, whatever becomes of the old one.
    let number = |order: usize| counts.get(&order).map_or(0, |(count, _)| *count);
    let (gone, kept) = (number(REPLACED), number(KEPT));
    let are_both = gone > 0 && kept > 0;
    let stay = if kept == 1 { "1 old one stays".to_owned() } else { format!("{kept} old ones stay") };
    let each = counts.iter().filter(|(order, _)| !are_both || **order != KEPT).map(|(order, (count, word))| {
        if are_both && *order == REPLACED {
            format!("{} {word} ({stay})", gone + kept)
        } else {
            format!("{count} {word}")
        }
    });
    let each: Vec<String> = each.collect();
    format!("{}: {}", counted(changes.len(), "resource"), each.join(", "))
}

/// Where what is replaced is listed, and what is replaced while the old one stays.
const REPLACED: usize = 1;
const KEPT: usize = 2;

/// What becomes of a resource, in a word, and where it is listed.
pub(super) fn outcome(change: &Change) -> (usize, &'static str) {
    match (change.consequence, &change.action) {
        (Consequence::Deletion, _) => (0, "deleted"),
        (Consequence::Replacement, _) => (REPLACED, "replaced"),
        (Consequence::ReplacementRetained, _) => (KEPT, "replaced (the old one stays)"),
        (Consequence::Retained, _) => (3, "left behind"),
        (Consequence::ReplacementInSomeCases, _) => (4, "perhaps replaced"),
        (Consequence::Unknown, _) => (5, "changed in a way that is not known"),
        (Consequence::Interruption, _) => (6, "updated with an interruption"),
        (Consequence::InPlace, _) => (7, "updated"),
        (Consequence::Creation, _) => (8, "added"),
        (Consequence::None, Action::Renamed { .. }) => (9, "renamed"),
        (Consequence::None, _) => (10, "changed on paper only"),
    }
}

/// Whether the old template brings everything back, as one sentence about all facts: what does not come back first.
pub(super) fn undo_in_all<'f>(facts: impl Iterator<Item = &'f Fact>) -> String {
    const SAID: usize = 2;
    let (mut lost, mut partly): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut is_back = true;
    for fact in facts {
        // What is merely added and stays takes nothing away.
        is_back &= fact.undo == Undo::Yes || fact.risk == Risk::Note;
        let names: Vec<String> = fact.subjects.iter().map(ToString::to_string).collect();
        let of = if names.is_empty() { String::new() } else { format!("{}: ", shortened(&names, 1)) };
        let (list, why) = match &fact.undo {
            Undo::Yes => continue,
            Undo::Partly(but) => (&mut partly, but),
            Undo::No(why) => (&mut lost, why),
        };
        let said = format!("{of}{why}");
        if !list.contains(&said) {
            list.push(said);
        }
    }
    let all: Vec<String> = lost.into_iter().chain(partly).collect();
    let shown = if all.len() == SAID + 1 { all.len() } else { SAID };
    let mut said: Vec<String> = all.iter().take(shown).cloned().collect();
    said.extend(all.len().checked_sub(shown).filter(|more| *more > 0).map(|more| format!("and {more} more")));
    match said.as_slice() {
        [] => "deploying the old template brings everything back".to_owned(),
        some if is_back => format!("deploying the old template brings everything back. {}", some.join("; ")),
        some => format!("deploying the old template does not bring everything back. {}", some.join("; ")),
    }
}

/// What CloudFormation says beside the templates, in a sentence, and whether a reader must know that it says nothing.
pub(super) fn change_set_in_words(review: &Review<'_>) -> Option<(String, bool)> {
    let differing = review.diff.facts.iter().filter(|fact| fact.id.starts_with("change-set-")).count();
    Some(match review.change_set? {
        ChangeSet::Refused => ("CloudFormation refuses this change.".to_owned(), true),
        ChangeSet::Missing(why) => {
            let said = "what happens to resources is said by AWS's schemas alone";
            (format!("Without CloudFormation's change set ({why}): {said}."), true)
        }
        ChangeSet::Joined if differing == 0 => ("CloudFormation's change set says the same.".to_owned(), false),
        ChangeSet::Joined => (format!("CloudFormation's change set differs: {}.", counted(differing, "time")), false),
    })
}

/// What cannot be undone, as a reader is told beside the fact; nothing where everything comes back.
pub(super) fn undo(undo: &Undo) -> Option<String> {
    match undo {
        Undo::Yes => None,
        Undo::Partly(but) => Some(format!("undo: partly, {but}")),
        Undo::No(why) => Some(format!("undo: no, {why}")),
    }
}

/// `1 queue`, `2 queues`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `A, B and 3 more`: one more has a name, too.
pub(super) fn shortened(items: &[String], most: usize) -> String {
    let most = if items.len() == most + 1 { items.len() } else { most };
    let named = items.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Text in one line that only shows: no control characters, nothing unseen.
pub(crate) fn plain(text: &str) -> String {
    let shown = |char: char| match char {
        '\n' | '\r' | '\t' => ' ',
        _ if is_unseen(char) => '\u{fffd}',
        _ => char,
    };
    text.chars().map(shown).collect()
}

/// Text in one line with its control characters and what is unseen written out, as `\u{1b}`, so that it can neither steer a
/// terminal nor pass for another.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unseen(char) { out.extend(char.escape_default()) } else { out.push(char) }
    }
    out
}

/// Text in several lines, each of them [`printable`].
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal or a page obeys a character instead of showing it: controls, and what has no width or turns the
/// direction of writing, by which one name could pass for another.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Breaks text into lines of at most `width` characters, between words where that goes, else behind a sign that ends a part of a
/// long word: values and addresses stay readable. A backslash stays with what it stands before.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut letters: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + letters.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        while letters.len() > width {
            let rest = letters.split_off(break_of(&letters, width));
            lines.push(letters.into_iter().collect());
            letters = rest;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        length += letters.len();
        line.extend(letters);
    }
    if length > 0 {
        lines.push(line);
    }
    lines
}

/// Where a word that is longer than a line is broken: behind a comma in the line's second half, behind the last sign that ends a
/// part, or where the line is full.
fn break_of(letters: &[char], width: usize) -> usize {
    let first: &[char] = letters.get(..width).unwrap_or(letters);
    let behind = |signs: &[char]| first.iter().rposition(|letter| signs.contains(letter)).map(|at| at + 1);
    let comma = behind(&[',']).filter(|at| *at > width / 2);
    let part = || behind(&[':', '/', '.', '-']).filter(|at| *at > width / 3);
    let full = || if width > 1 && first.last() == Some(&'\\') { width - 1 } else { width };
    comma.or_else(part).unwrap_or_else(full)
}

/// At most so many lines of at most so many characters; what does not fit ends in an ellipsis.
pub(super) fn fitted(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = wrapped(text, width);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(width.saturating_sub(1)).chain(['…']).collect();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_where_that_goes() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("abc\\_d", 4), ["abc", "\\_d"]);
        assert_eq!(wrapped("arn:aws:sqs:eu-west-1:Queue", 16), ["arn:aws:sqs:eu-", "west-1:Queue"]);
        assert_eq!(wrapped("{\"a\":\"b.c\",\"d.e\":1}", 16), ["{\"a\":\"b.c\",", "\"d.e\":1}"]);
        assert_eq!(wrapped("", 4), Vec::<String>::new());
        assert_eq!(fitted("one two three four", 7, 2), ["one two", "three…"]);
    }

    #[test]
    fn text_only_shows() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb c\u{fffd}d");
        assert_eq!(printable("a\u{1b}[31mb\r\nc\u{9b}d é\u{202e}"), "a\\u{1b}[31mb\\r\\nc\\u{9b}d é\\u{202e}");
        assert_eq!(printable_lines("a\u{7}\n\n\u{200b}b\n"), "a\\u{7}\n\n\\u{200b}b\n");
    }
}
