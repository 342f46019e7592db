//! What several reviews say, each thing once: alike in all of them, or in some.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Review,
    text::{plain, undo},
};
use crate::diff::{Fact, Risk};

/// A fact, and where it holds.
pub(super) struct Told<'a> {
    pub(super) fact: &'a Fact,
    /// The fact's sentence; an environment's name in it is `{env}` where it holds in several.
    pub(super) sentence: String,
    /// The names of the reviews in which it holds, where it does not hold in all.
    pub(super) only: Vec<&'a str>,
}

/// The facts of all reviews, the most dangerous first.
pub(super) fn facts<'a>(reviews: &[Review<'a>]) -> Vec<Told<'a>> {
    let items = reviews.iter().flat_map(|review| {
        let diff = review.diff;
        diff.facts
            .iter()
            .map(move |fact| (*review, fact, vec![format!("{:?} {}", fact.risk, fact.id), fact.sentence.clone()]))
    });
    let mut told: Vec<Told<'a>> = alike(reviews.len(), items)
        .into_iter()
        .map(|Alike { item: fact, lines, only }| {
            let sentence = lines.into_iter().nth(1).unwrap_or_default();
            Told { fact, sentence: plain(&sentence), only }
        })
        .collect();
    told.sort_by_key(|told| told.fact.risk);
    told
}

/// Something that one or several reviews have.
pub(super) struct Alike<'a, T> {
    /// As the first of them has it.
    pub(super) item: T,
    /// What is said of it; an environment's name in it is `{env}` where it holds in several.
    pub(super) lines: Vec<String>,
    /// The names of the reviews that have it, where not all have it.
    pub(super) only: Vec<&'a str>,
}

/// Joins what reviews have in common: items of which the same is said but for the environment's name.
pub(super) fn alike<'a, T>(
    reviews: usize,
    items: impl Iterator<Item = (Review<'a>, T, Vec<String>)>,
) -> Vec<Alike<'a, T>> {
    let mut all: IndexMap<Vec<String>, Alike<'a, T>> = IndexMap::new();
    for (review, item, lines) in items {
        let general: Vec<String> = lines.iter().map(|line| without(line, review.name)).collect();
        match all.get_mut(&general) {
            Some(known) if !known.only.contains(&review.name) => {
                if known.lines != lines {
                    known.lines = general;
                }
                known.only.push(review.name);
            }
            // The same twice in one review: two resources of which the same is said.
            Some(_) => {}
            None => {
                all.insert(general, Alike { item, lines, only: vec![review.name] });
            }
        }
    }
    let everywhere =
        |alike: Alike<'a, T>| if alike.only.len() == reviews { Alike { only: Vec::new(), ..alike } } else { alike };
    all.into_values().map(everywhere).collect()
}

/// A text with `{env}` where the environment's name stands as a word.
fn without(text: &str, name: &str) -> String {
    if name.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, from) = rest.split_at(at);
        let after = from.strip_prefix(name).unwrap_or_default();
        let previous = before.chars().next_back().or_else(|| out.chars().next_back());
        let is_word = !previous.is_some_and(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if is_word { "{env}" } else { name });
        rest = after;
    }
    out + rest
}

impl Told<'_> {
    /// What is known of the fact beside its sentence: where it holds, whether it can be undone, the line that
    /// defines it, which guards it trips.
    pub(super) fn beside(&self) -> Vec<String> {
        let only = (!self.only.is_empty()).then(|| format!("only in {}", self.only.join(", ")));
        let guards = self.fact.guards.iter().map(|guard| format!("guard {}", word(guard)));
        let source = self.fact.source.as_ref().map(ToString::to_string);
        let all = only.into_iter().chain(undo(&self.fact.undo)).chain(source).chain(guards);
        all.map(|text| plain(&text)).collect()
    }
}

/// The word by which JSON and the environment's file name a variant.
pub(super) fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(Json::String(word)) => word,
        // The types that come here are enumerations of bare words.
        _ => String::new(),
    }
}

/// The facts of a risk.
pub(super) fn of_risk<'t, 'a>(told: &'t [Told<'a>], risk: Risk) -> impl Iterator<Item = &'t Told<'a>> {
    told.iter().filter(move |told| told.fact.risk == risk)
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn an_environments_name_is_a_word() {
        assert_eq!(
            without("shop-prod-orders of prod, reproduction", "prod"),
            "shop-{env}-orders of {env}, reproduction"
        );
        assert_eq!(without("prodprod prod", "prod"), "prodprod {env}");
    }
}
