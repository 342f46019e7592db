//! For pull requests: a comment that says first what is dangerous, and never more than a comment may hold.
//!
//! What is destructive is always visible. Before the first fold stand at most [`VISIBLE_LINES`] lines: where there is more to
//! say, the least dangerous facts become shorter, then go into a fold. The whole is at most [`MARKDOWN_BYTES`] long: what
//! does not fit is counted, the least dangerous first.

mod escape;
mod page;
mod visible;

use std::collections::BTreeMap;

use super::{
    Review,
    details::{Entry, Sign, entries},
    text::{change_set_in_words, counted, counted_changes, counted_risks, plain, shortened, undo_in_all, wrapped},
    told::{self, Told, word},
};
use crate::diff::{Detail, Fact, Guard, Risk, Undo};
use escape::{inline, lines};
use page::Page;
use visible::Visible;

/// GitHub takes comments of 65,536 characters; a character takes a byte at least.
pub const MARKDOWN_BYTES: usize = 65_536;
/// Lines before the first fold.
const VISIBLE_LINES: usize = 60;
/// So many resources are named that a guard blocks.
const NAMED: usize = 4;
/// Characters in a line, what begins it included.
const WIDTH: usize = 100;
/// A value takes so many lines.
const VALUE_LINES: usize = 8;
/// So many bytes are kept free for what ends the page.
const END_BYTES: usize = 600;

/// Reviews as a comment on a pull request, in GitHub's Markdown.
#[must_use]
pub fn markdown(reviews: &[Review<'_>]) -> String {
    let facts = told::facts(reviews);
    let mut page = Page::new(MARKDOWN_BYTES - END_BYTES);
    head(&mut page, reviews, &facts);
    let room = VISIBLE_LINES.saturating_sub(page.lines() + 1);
    let visible = Visible::of(&facts, room);
    page.must(visible.lines());
    page.must(&[String::new()]);
    folded_facts(&mut page, visible.folded());
    reasons(&mut page, &facts);
    changes(&mut page, reviews);
    page.text()
}

/// What a reader has to know before anything else: what breaks, who is exposed, whether it can be undone, what blocks.
fn head(page: &mut Page, reviews: &[Review<'_>], facts: &[Told<'_>]) {
    let names: Vec<&str> = reviews.iter().map(|review| review.name).collect();
    page.must(&[format!("<!-- cargo xtask diff: {} -->", escape::marker(&names))]);
    page.must(&lines(&format!("## Infrastructure: {}", inline(&names.join(", "))), ""));
    match reviews {
        [one] => {
            page.must(&lines(&inline(&format!("Against {}: {}.", one.against, summary(one))), ""));
            page.must(&predicted(one, ""));
        }
        _ => {
            for review in reviews {
                let said = format!(
                    "**{}** against {}: {}",
                    inline(review.name),
                    inline(review.against),
                    inline(&summary(review))
                );
                page.must(&lines(&format!("- {said}"), "  "));
                page.must(&predicted(review, "  "));
            }
        }
    }
    page.must(&[String::new()]);
    if facts.is_empty() {
        return;
    }
    if reviews.len() > 1 {
        // Between two lists, which would be one otherwise.
        page.must(&["All together:".to_owned(), String::new()]);
    }
    let breaks = answer(facts, breaks, "nothing is lost, stops or waits");
    let exposed = answer(facts, |fact| matches!(fact.risk, Risk::Exposure | Risk::Access), "as it was");
    let undo = undo_in_all(facts.iter().map(|told| told.fact));
    page.must(&lines(&format!("- **What breaks:** {breaks}"), "  "));
    page.must(&lines(&format!("- **Exposure and access:** {exposed}"), "  "));
    page.must(&lines(&format!("- **Undo:** {}", inline(&undo)), "  "));
    page.must(&[String::new()]);
    verdict(page, reviews);
    if reviews.len() > 1 {
        page.must(&["What follows holds in all of them, unless it is said.".to_owned(), String::new()]);
    }
}

/// Whether something is lost, stops or waits: events that newly flow break nothing.
fn breaks(fact: &Fact) -> bool {
    match fact.risk {
        Risk::Destructive | Risk::Failure | Risk::Interruption => true,
        Risk::Flow => fact.guards.contains(&Guard::StopFlow),
        _ => fact.undo != Undo::Yes,
    }
}

/// How many facts answer a question, and about what they are.
fn answer(facts: &[Told<'_>], of: impl Fn(&Fact) -> bool, none: &str) -> String {
    let found: Vec<&Fact> = facts.iter().map(|told| told.fact).filter(|fact| of(fact)).collect();
    if found.is_empty() {
        return none.to_owned();
    }
    let mut names: Vec<String> = Vec::new();
    for name in found.iter().filter_map(|fact| fact.subjects.first()).map(ToString::to_string) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let counted = counted_risks(found.iter().map(|fact| fact.risk));
    if names.is_empty() { counted } else { format!("{counted}, of {}", shortened(&names, NAMED)) }
}

/// What CloudFormation says, or that it says nothing, which nobody may overlook.
fn predicted(review: &Review<'_>, begin: &str) -> Vec<String> {
    let Some((said, warns)) = change_set_in_words(review) else { return Vec::new() };
    let said = inline(&said);
    let said = if warns { format!("**{said}**") } else { said };
    lines(&said, "").into_iter().map(|line| format!("{begin}{line}")).collect()
}

fn summary(review: &Review<'_>) -> String {
    let diff = review.diff;
    if diff.is_empty() {
        return "nothing changes".to_owned();
    }
    let risks = counted_risks(diff.facts.iter().map(|fact| fact.risk));
    let risks = if risks.is_empty() { "nothing that a reviewer has to know".to_owned() } else { risks };
    if diff.changes.is_empty() { risks } else { format!("{risks}; {}", counted_changes(&diff.changes)) }
}

/// What guards say: the first few with how to allow them, the others counted.
fn verdict(page: &mut Page, reviews: &[Review<'_>]) {
    const MOST: usize = 5;
    let mut blocked: Vec<(&Review<'_>, Guard, Vec<String>)> = Vec::new();
    for review in reviews {
        let mut guards: BTreeMap<Guard, Vec<String>> = BTreeMap::new();
        for blocked in &review.diff.verdict.blocked {
            guards.entry(blocked.guard).or_default().push(blocked.resource.to_string());
        }
        blocked.extend(guards.into_iter().map(|(guard, resources)| (review, guard, resources)));
    }
    if !blocked.is_empty() {
        page.must(&["> [!CAUTION]".to_owned()]);
    }
    for (review, guard, resources) in blocked.iter().take(MOST) {
        let file = if review.is_environment {
            format!(", or `guards.allow` in `environments/{}.yaml`", review.name)
        } else {
            String::new()
        };
        let of = if reviews.len() > 1 { format!(" in {}", inline(review.name)) } else { String::new() };
        let (guard, first) = (word(guard), resources.first().map_or("", String::as_str));
        let named = shortened(resources, NAMED);
        let said = format!("> - **Blocked{of}** by {guard}: {named}; to allow one: `--allow {guard}={first}`{file}");
        page.must(&lines(&said, ">   "));
    }
    if blocked.len() > MOST {
        page.must(&[format!("> - and {} more", blocked.len() - MOST)]);
    }
    let allowed: Vec<_> = reviews.iter().flat_map(|review| &review.diff.verdict.allowed).collect();
    for allowed in allowed.iter().take(MOST) {
        let allowance = &allowed.allowance;
        let said = format!("{} of {}: {}", word(&allowance.guard), allowance.resource, allowance.reason);
        page.must(&lines(&format!("- **Allowed:** {}", inline(&said)), "  "));
    }
    if allowed.len() > MOST {
        page.must(&[format!("- and {} more are allowed", allowed.len() - MOST)]);
    }
    if !(blocked.is_empty() && allowed.is_empty()) {
        page.must(&[String::new()]);
    }
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
    if !each.is_empty() {
        fold(page, "Why, and what to do", each, "fact", true);
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
