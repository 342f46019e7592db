//! For pull requests: a comment that says first what is dangerous, and never more than a comment may hold.
//!
//! What is destructive is always visible. Before the first fold stand at most [`VISIBLE_LINES`] lines: where there is more to
//! say, the least dangerous facts become shorter, then go into a fold. The whole is at most [`MARKDOWN_BYTES`] long: what
//! does not fit is counted, the least dangerous first.

mod escape;
mod guards;
mod head;
mod page;
mod visible;

use super::{
    Review,
    details::{Entry, Sign, entries},
    text::{counted, counted_changes, counted_risks, plain, wrapped},
    told::{self, Told},
};
use crate::diff::{ADVICE, Detail};
use page::Page;
use visible::Visible;

/// GitHub takes comments of 65,536 characters; a character takes a byte at least.
pub const MARKDOWN_BYTES: usize = 65_536;
/// Lines before the first fold.
const VISIBLE_LINES: usize = 60;
/// So many resources are named in an answer of the head.
const NAMED: usize = 4;
/// Characters in a line, what begins it included.
const WIDTH: usize = 100;
/// A value takes so many lines.
const VALUE_LINES: usize = 8;
/// So many bytes are kept free for what ends the page.
const END_BYTES: usize = 800;

/// Reviews as a comment on a pull request, in GitHub's Markdown.
#[must_use]
pub fn markdown(reviews: &[Review<'_>]) -> String {
    let facts = told::facts(reviews);
    let mut page = Page::new(MARKDOWN_BYTES - END_BYTES);
    head::head(&mut page, reviews, &facts);
    // The empty line behind the facts, and the legend where nothing is folded.
    let room = VISIBLE_LINES.saturating_sub(page.lines() + 2);
    let visible = Visible::of(&facts, room);
    page.must(visible.lines());
    page.must(&[String::new()]);
    folded_facts(&mut page, visible.folded());
    reasons(&mut page, &facts);
    changes(&mut page, reviews);
    if !facts.is_empty() {
        page.must(&[visible::LEGEND.to_owned()]);
    }
    page.text()
}

fn folded_facts(page: &mut Page, facts: &[&Told<'_>]) {
    if facts.is_empty() {
        return;
    }
    let risks = counted_risks(facts.iter().map(|told| told.fact.risk));
    let each = facts.iter().map(|told| visible::whole(told)).collect();
    fold(page, &format!("More: {risks}"), each, "fact", false);
}

/// What is told of facts beyond their values, which stand among the changes.
fn reasons(page: &mut Page, facts: &[Told<'_>]) {
    let is_reason =
        |detail: &&Detail| !(detail.text.starts_with("Resources.") && (detail.old.is_some() || detail.new.is_some()));
    let each = facts.iter().filter_map(|told| {
        let details: Vec<String> = told.fact.details.iter().filter(is_reason).flat_map(detail).collect();
        let heading = wrapped(&told.sentence, WIDTH - 4).into_iter().take(2).map(|line| format!("# {line}"));
        (!details.is_empty()).then(|| heading.chain(details).chain([String::new()]).collect())
    });
    let each: Vec<Vec<String>> = each.collect();
    let is_advice = |told: &Told<'_>| told.fact.details.iter().any(|detail| detail.text.starts_with(ADVICE));
    let summary = if facts.iter().any(is_advice) { "Why, and what to do" } else { "Why" };
    if !each.is_empty() {
        fold(page, summary, each, "fact", true);
    }
}

fn detail(detail: &Detail) -> Vec<String> {
    let text = plain(&detail.text);
    let value =
        |sign: char, shown: &crate::diff::Shown| signed(sign, &format!("{text}: {}", plain(&shown.to_string())));
    match (&detail.old, &detail.new) {
        (None, None) => signed(' ', &text),
        (old, new) => {
            let old = old.iter().flat_map(|old| value('-', old));
            old.chain(new.iter().flat_map(|new| value('+', new))).collect()
        }
    }
}

/// Every change.
fn changes(page: &mut Page, reviews: &[Review<'_>]) {
    let entries = entries(reviews);
    if entries.is_empty() {
        return;
    }
    let each = entries.iter().map(entry).collect();
    let summary = match reviews {
        [one] if !one.diff.changes.is_empty() => format!("Every change: {}", counted_changes(&one.diff.changes)),
        _ => "Every change".to_owned(),
    };
    fold(page, &summary, each, "change", true);
}

fn entry(entry: &Entry<'_>) -> Vec<String> {
    let only = if entry.only.is_empty() { String::new() } else { format!(" (only in {})", entry.only.join(", ")) };
    let heading = wrapped(&plain(&format!("{}{only}", entry.heading)), WIDTH - 4);
    let heading = heading.into_iter().map(|line| format!("# {line}"));
    let values = entry.lines.iter().flat_map(|line| match line.sign {
        Sign::Note => signed(' ', &line.text),
        sign => signed(sign.char(), &line.text),
    });
    heading.chain(values).chain([String::new()]).collect()
}

/// A value in as many lines as it may take, each with its sign.
fn signed(sign: char, text: &str) -> Vec<String> {
    let all = wrapped(text, WIDTH - 4);
    let rest: usize = all.iter().skip(VALUE_LINES).map(|line| line.chars().count()).sum();
    let shown = all.into_iter().take(VALUE_LINES).map(|line| format!("{sign} {line}"));
    shown.chain((rest > 0).then(|| format!("  and {} more", counted(rest, "character")))).collect()
}

/// A fold with as much in it as fits; what does not is counted.
fn fold(page: &mut Page, summary: &str, each: Vec<Vec<String>>, noun: &str, is_code: bool) {
    let fence = escape::fence(each.iter().flatten());
    let mut begin = vec!["<details>".to_owned()];
    begin.extend(wrapped(&format!("<summary>{}</summary>", escape::html(summary)), WIDTH - 2));
    begin.push(String::new());
    let mut end = vec![String::new(), "</details>".to_owned(), String::new()];
    if is_code {
        begin.push(format!("{fence}diff"));
        end.insert(0, fence);
    }
    let count = each.len();
    if !page.reserve(&begin, &end) {
        page.must(&[format!("{} left out: this page is full.", counted(count, noun)), String::new()]);
        return;
    }
    let shown = each.iter().take_while(|lines| page.may(lines)).count();
    page.close(&end);
    if shown < count {
        let left = counted(count - shown, noun);
        page.must(&[format!("{left} left out here: `cargo xtask diff --details` shows all."), String::new()]);
    }
}
