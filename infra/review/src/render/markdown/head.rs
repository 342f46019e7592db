//! What a reader has to know before anything else: what breaks, who may do more, whether it can be undone, what stops it.

use super::{
    NAMED,
    escape::{self, inline, lines},
    guards,
    page::Page,
};
use crate::{
    diff::{Fact, Risk, Undo},
    render::{
        Review,
        text::{change_set_in_words, counted_changes, counted_risks, shortened},
        told::Told,
    },
};
use cfn::guard::Guard;

/// The id of facts about what follows behind something that is replaced.
const RIPPLE: &str = "ripple";

pub(super) fn head(page: &mut Page, reviews: &[Review<'_>], facts: &[Told<'_>]) {
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
        page.must(&["All together; what holds in some alone says so:".to_owned(), String::new()]);
    }
    answers(page, facts);
    page.must(&guards::verdict(reviews));
}

/// What a reviewer asks first. How many facts answer it stands above, why it is so below.
fn answers(page: &mut Page, facts: &[Told<'_>]) {
    let is_lost = facts.iter().any(|told| told.fact.undo != Undo::Yes && told.fact.risk != Risk::Note);
    let nothing = match is_lost {
        true => "nothing stops or waits, but something is lost: see Undo",
        false => "nothing is lost, stops or waits",
    };
    let is_opened = |fact: &Fact| matches!(fact.risk, Risk::Exposure | Risk::Access | Risk::Protection);
    for (question, answer) in [
        ("What breaks", of_risks(facts, breaks).unwrap_or_else(|| nothing.to_owned())),
        ("Exposure, access, protection", of_risks(facts, is_opened).unwrap_or_else(|| "as it was".to_owned())),
        ("Undo", undo(facts)),
    ] {
        page.must(&lines(&format!("- **{question}:** {}", inline(&answer)), "  "));
    }
}

/// Whether something is deleted, stops or waits: events that newly flow break nothing.
fn breaks(fact: &Fact) -> bool {
    match fact.risk {
        Risk::Destructive | Risk::Failure | Risk::Interruption => true,
        _ => fact.guards.contains(&Guard::StopFlow),
    }
}

/// What the facts that answer a question are about, risk by risk: `access of RoleA, RoleB; protection of AlarmC`.
fn of_risks(facts: &[Told<'_>], is_one: impl Fn(&Fact) -> bool) -> Option<String> {
    let found: Vec<&Fact> = facts.iter().map(|told| told.fact).filter(|fact| is_one(fact)).collect();
    // What follows behind something stands with it already.
    let stands =
        |fact: &Fact| found.iter().any(|one| one.id != RIPPLE && one.subjects.first() == fact.subjects.first());
    let found: Vec<&Fact> = found.iter().copied().filter(|fact| fact.id != RIPPLE || !stands(fact)).collect();
    let mut risks: Vec<Risk> = found.iter().map(|fact| fact.risk).collect();
    risks.dedup();
    let each = risks.into_iter().map(|risk| {
        let names = subjects(found.iter().copied().filter(|fact| fact.risk == risk));
        let words = changed(risk);
        if names.is_empty() { words.to_owned() } else { format!("{words} of {}", shortened(&names, NAMED)) }
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| each.join("; "))
}

/// What is another by facts of a risk.
fn changed(risk: Risk) -> &'static str {
    match risk {
        Risk::Destructive => "loss or replacement",
        Risk::Failure => "foreseen failure",
        Risk::Exposure => "exposure",
        Risk::Access => "access",
        Risk::Protection => "protection",
        Risk::Flow => "way of events",
        Risk::Interruption => "interruption",
        Risk::Code => "code",
        Risk::Cost => "cost or limits",
        Risk::Note => "notes",
    }
}

/// The resources that facts are about, each once. What stands behind a replaced one is not what it is about.
fn subjects<'f>(facts: impl Iterator<Item = &'f Fact>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for fact in facts {
        let about = if fact.id == RIPPLE { 1 } else { fact.subjects.len() };
        for name in fact.subjects.iter().take(about).map(ToString::to_string) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Whether the old template brings everything back, or of what it does not: why stands at each fact.
fn undo(facts: &[Told<'_>]) -> String {
    let of = |are_notes: bool| {
        let lasting = facts.iter().map(|told| told.fact).filter(|fact| fact.undo != Undo::Yes);
        subjects(lasting.filter(|fact| (fact.risk == Risk::Note) == are_notes))
    };
    // What is merely added and stays takes nothing away.
    let (lost, stay) = (of(false), of(true));
    let mut said = match lost.as_slice() {
        [] => "deploying the old template brings everything back".to_owned(),
        lost => {
            let names = shortened(lost, NAMED);
            format!("deploying the old template does not bring everything back: {names}")
        }
    };
    if !stay.is_empty() {
        let verb = if stay.len() == 1 { "stays" } else { "stay" };
        said.push_str(&format!("; {} {verb}", shortened(&stay, NAMED)));
    }
    said
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
