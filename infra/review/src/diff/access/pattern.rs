//! Patterns as sets of texts: whether there is a text that fits some and not others.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

/// How many sets of positions are looked at before a question is given up as undecided.
const MOST_STATES: usize = 20_000;
/// How many positions are looked at before that: patterns of thousands of signs have sets of thousands.
const MOST_POSITIONS: usize = 1_000_000;

/// A sign of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Sign {
    /// This character.
    Char(char),
    /// What only a deployment knows, such as the id of an account or a key: a text that is always the same, and nothing
    /// else is known of it.
    Symbol(Arc<str>),
    /// Any one character: `?`.
    One,
    /// Any text, also none: `*`.
    Many,
    /// Any text without a colon: `*` within a part of an ARN.
    ManyInPart,
}

/// A pattern; without `*` and `?` it is the one text that fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Pattern(pub(super) Vec<Sign>);

/// Patterns, of which one must fit, or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Texts {
    pub(super) any_of: Vec<Pattern>,
    pub(super) not: bool,
}

impl Pattern {
    /// The text itself: `*` and `?` in it are characters.
    pub(super) fn text(text: &str) -> Self {
        Self(text.chars().map(Sign::Char).collect())
    }

    /// A text with `*` for anything and `?` for one character.
    pub(super) fn glob(text: &str) -> Self {
        let signs = text.chars().map(|letter| match letter {
            '*' => Sign::Many,
            '?' => Sign::One,
            other => Sign::Char(other),
        });
        Self(signs.collect()).tidied()
    }

    /// Every text.
    pub(super) fn anything() -> Self {
        Self(vec![Sign::Many])
    }

    pub(super) fn is_anything(&self) -> bool {
        self.0 == [Sign::Many]
    }

    /// Whether one text fits, and no other.
    pub(super) fn is_one_text(&self) -> bool {
        self.0.iter().all(|sign| matches!(sign, Sign::Char(_) | Sign::Symbol(_)))
    }

    /// Several `*` next to each other are one.
    pub(super) fn tidied(mut self) -> Self {
        self.0.dedup_by(|after, before| matches!((before, after), (Sign::Many, Sign::Many)));
        self
    }

    /// Whether it certainly fits every text that the other one fits. Where signs of the other stand for several texts,
    /// only `*` is taken to cover them: a `no` may be wrong, a `yes` is not.
    fn covers(&self, other: &Self) -> bool {
        let (mut at, mut seen) = (0, 0);
        let mut star: Option<(usize, usize, bool)> = None;
        while let Some(sign) = other.0.get(seen) {
            match self.0.get(at) {
                Some(Sign::Many) => {
                    star = Some((at, seen, true));
                    at += 1;
                    continue;
                }
                Some(Sign::ManyInPart) => {
                    star = Some((at, seen, false));
                    at += 1;
                    continue;
                }
                Some(own) if own == sign || (*own == Sign::One && matches!(sign, Sign::Char(_))) => {
                    at += 1;
                    seen += 1;
                    continue;
                }
                _ => {}
            }
            let Some((its, reach, across)) = star else { return false };
            let taken = other.0.get(reach);
            if !across && matches!(taken, Some(Sign::Char(':') | Sign::Many | Sign::One)) {
                return false;
            }
            star = Some((its, reach + 1, across));
            (at, seen) = (its + 1, reach + 1);
        }
        self.0.iter().skip(at).all(|rest| matches!(rest, Sign::Many | Sign::ManyInPart))
    }

    /// Whether a text of characters and symbols fits.
    pub(super) fn fits(&self, text: &[Sign]) -> bool {
        let mut at = self.start();
        for sign in text {
            at = self.step(&at, Some(sign));
        }
        self.ends(&at)
    }

    /// Positions before which one may stand before anything is read; closed over signs that may be empty.
    fn start(&self) -> Vec<usize> {
        self.closed([0].into_iter())
    }

    /// Positions in their order, and those that are reached from them over signs that may be empty.
    fn closed(&self, at: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut closed: Vec<usize> = Vec::new();
        for mut place in at {
            // What was reached before has taken all with it that can be reached from there.
            if closed.last().is_some_and(|last| *last >= place) {
                continue;
            }
            closed.push(place);
            while matches!(self.0.get(place), Some(Sign::Many | Sign::ManyInPart)) {
                place += 1;
                closed.push(place);
            }
        }
        closed
    }

    /// The positions after a letter; nothing stands for any character that no pattern names.
    fn step(&self, at: &[usize], letter: Option<&Sign>) -> Vec<usize> {
        let is_symbol = matches!(letter, Some(Sign::Symbol(_)));
        // Each leads to itself or to the next, so that they stay in their order.
        self.closed(at.iter().filter_map(|place| match self.0.get(*place) {
            Some(Sign::Many) => Some(*place),
            Some(Sign::ManyInPart) if letter != Some(&Sign::Char(':')) => Some(*place),
            Some(Sign::One) if !is_symbol => Some(place + 1),
            Some(own) if Some(own) == letter => Some(place + 1),
            _ => None,
        }))
    }

    fn ends(&self, at: &[usize]) -> bool {
        at.last() == Some(&self.0.len())
    }
}

impl Texts {
    pub(super) fn any_of(any_of: Vec<Pattern>) -> Self {
        Self { any_of, not: false }
    }

    fn holds(&self, text: &[Sign]) -> bool {
        self.any_of.iter().any(|pattern| pattern.fits(text)) != self.not
    }
}

/// Whether no text fits all of these; nothing where that would take too long to find out.
pub(super) fn is_empty(all: &[&Texts]) -> Option<bool> {
    // One that lets in only certain texts: these are tried.
    let few = all.iter().filter(|one| !one.not && one.any_of.iter().all(Pattern::is_one_text));
    if let Some(few) = few.min_by_key(|one| one.any_of.len()) {
        return Some(!few.any_of.iter().any(|text| all.iter().all(|other| other.holds(&text.0))));
    }
    let mut wanted = all.iter().filter(|one| !one.not);
    let mut barred = all.iter().filter(|one| one.not).flat_map(|one| &one.any_of);
    if wanted.clone().next().is_none() && barred.clone().next().is_none() {
        return Some(false);
    }
    // What is let in is barred as a whole.
    if wanted.any(|one| one.any_of.iter().all(|pattern| barred.clone().any(|bar| bar.covers(pattern)))) {
        return Some(true);
    }
    if barred.any(Pattern::is_anything) {
        return Some(true);
    }
    search(all)
}

/// Reads all texts at once, letter by letter, until one fits or no new set of positions is met.
fn search(all: &[&Texts]) -> Option<bool> {
    let patterns: Vec<(usize, &Pattern)> =
        all.iter().enumerate().flat_map(|(of, one)| one.any_of.iter().map(move |pattern| (of, pattern))).collect();
    let colon = Sign::Char(':');
    let letters: BTreeSet<Option<&Sign>> = patterns
        .iter()
        .flat_map(|(_, pattern)| &pattern.0)
        .filter(|sign| matches!(sign, Sign::Char(_) | Sign::Symbol(_)))
        .chain([&colon])
        .map(Some)
        .chain([None])
        .collect();
    let start: Vec<Vec<usize>> = patterns.iter().map(|(_, pattern)| pattern.start()).collect();
    let mut open = vec![start.clone()];
    let mut seen = HashSet::from([start]);
    let mut looked_at = 0;
    while let Some(state) = open.pop() {
        let fits = |of: usize, one: &Texts| {
            let ends = patterns.iter().zip(&state).any(|((whose, pattern), at)| *whose == of && pattern.ends(at));
            ends != one.not
        };
        if all.iter().enumerate().all(|(of, one)| fits(of, one)) {
            return Some(false);
        }
        for letter in &letters {
            if seen.len() > MOST_STATES || looked_at > MOST_POSITIONS {
                return None;
            }
            looked_at += state.iter().map(Vec::len).sum::<usize>();
            let next: Vec<Vec<usize>> =
                patterns.iter().zip(&state).map(|((_, pattern), at)| pattern.step(at, *letter)).collect();
            let dead = |of: usize, one: &Texts| {
                !one.not && patterns.iter().zip(&next).all(|((whose, _), at)| *whose != of || at.is_empty())
            };
            if all.iter().enumerate().any(|(of, one)| dead(of, one)) || seen.contains(&next) {
                continue;
            }
            seen.insert(next.clone());
            open.push(next);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_of(texts: &[&str]) -> Texts {
        Texts::any_of(texts.iter().map(|text| Pattern::glob(text)).collect())
    }

    /// Whether the texts that fit one of `inner` all fit one of `outer`.
    fn within(inner: &[&str], outer: &[&str]) -> bool {
        is_empty(&[&any_of(inner), &Texts { not: true, ..any_of(outer) }]).unwrap()
    }

    #[test]
    fn patterns_are_compared_as_what_they_let_in() {
        assert!(within(&["sqs:SendMessage"], &["sqs:Send*"]));
        assert!(within(&["sqs:Send*"], &["sqs:*"]));
        assert!(within(&["a?*"], &["a*?"]));
        assert!(within(&["a*?"], &["a?*"]));
        assert!(within(&["ab*", "a"], &["a", "a?*"]));
        assert!(!within(&["sqs:*"], &["sqs:Send*"]));
        assert!(!within(&["a*"], &["a", "ab*"]));
        // Together they let in everything.
        assert!(within(&["*"], &["", "?*"]));
    }

    #[test]
    fn a_symbol_is_one_text_and_nobody_knows_how_long() {
        let symbol = Texts::any_of(vec![Pattern(vec![Sign::Symbol("Key".into())])]);
        let not = |texts: &[&str]| Texts { not: true, ..any_of(texts) };
        assert_eq!(is_empty(&[&symbol, &not(&["*"])]), Some(true));
        assert_eq!(is_empty(&[&symbol, &not(&["?"])]), Some(false));
        assert_eq!(is_empty(&[&symbol, &Texts { not: true, ..symbol.clone() }]), Some(true));
    }

    #[test]
    fn a_star_within_a_part_stops_at_a_colon() {
        let part = Texts::any_of(vec![Pattern(vec![Sign::Char('a'), Sign::Char(':'), Sign::ManyInPart])]);
        assert_eq!(is_empty(&[&any_of(&["a:b:c"]), &part]), Some(true));
        assert_eq!(is_empty(&[&any_of(&["a:b"]), &part]), Some(false));
        assert_eq!(is_empty(&[&any_of(&["a:*"]), &Texts { not: true, ..part.clone() }]), Some(false));
        assert_eq!(is_empty(&[&part, &Texts { not: true, ..any_of(&["a:*"]) }]), Some(true));
    }

    /// Whoever writes such a policy waits for a moment, and is told that nobody knows.
    #[test]
    fn patterns_that_would_take_hours_are_given_up() {
        let (wild, wilder) = (any_of(&[&"*a".repeat(2000)]), any_of(&[&"a*".repeat(2000)]));
        let barred = Texts { not: true, ..any_of(&["b*"]) };
        assert_eq!(is_empty(&[&wild, &wilder, &barred]), None);
    }

    proptest! {

        /// Against every text of up to six letters, which is enough for patterns of up to three signs each.
        #[test]
        fn what_is_empty_has_no_text_and_what_is_not_has_one(
            sets in prop::collection::vec((prop::collection::vec("[ab?*]{0,3}", 1..3), any::<bool>()), 1..4)
        ) {
            let sets: Vec<Texts> = sets
                .into_iter()
                .map(|(texts, not)| Texts { any_of: texts.iter().map(|text| Pattern::glob(text)).collect(), not })
                .collect();
            let mut texts: Vec<Vec<Sign>> = vec![Vec::new()];
            let mut from = 0;
            for _ in 0..6 {
                let to = texts.len();
                for at in from..to {
                    for letter in ['a', 'b', 'c'] {
                        let mut longer = texts[at].clone();
                        longer.push(Sign::Char(letter));
                        texts.push(longer);
                    }
                }
                from = to;
            }
            let some = texts.iter().any(|text| sets.iter().all(|set| set.holds(text)));
            prop_assert_eq!(is_empty(&sets.iter().collect::<Vec<_>>()), Some(!some));
        }
    }
}
