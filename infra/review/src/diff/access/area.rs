//! Areas of requests: who, which action, on what, under which conditions; and what of one area lies outside of others.

use std::{collections::BTreeMap, sync::Arc};

use super::pattern::{self, Texts};

/// How many pieces of an area are looked at before it is given up as undecided.
const MOST_PIECES: usize = 2_000;

/// A set of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Area {
    pub(super) who: Vec<Texts>,
    pub(super) actions: Vec<Texts>,
    pub(super) resources: Vec<Texts>,
    /// Each must hold.
    pub(super) when: BTreeMap<Variable, Vec<Test>>,
}

/// Something of a request that conditions look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Variable {
    /// The condition key in small letters, such as `aws:sourcearn`.
    pub(super) key: Arc<str>,
    /// How it is looked at. What is looked at in two ways is taken for two variables: an area is then taken for larger
    /// than it is, never for smaller.
    pub(super) look: Look,
}

/// How a variable is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Look {
    /// As a text.
    Text,
    /// As a text in small letters.
    SmallLetters,
    /// As an address.
    Address,
    /// As a number.
    Number,
    /// By an operator of which only is known whether more values let in more.
    Operator(Arc<str>),
}

/// What a variable must be, and whether a request without it passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) values: Values,
    pub(super) absent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Values {
    Texts(Texts),
    /// Compared with each of these in thousandths, one of which must hold; `not` turns it round.
    Numbers {
        comparison: Comparison,
        any_of: Vec<i64>,
        not: bool,
    },
    /// In one of these blocks of addresses, by the first and the last of each; `not` turns it round.
    Blocks {
        any_of: Vec<(u128, u128)>,
        not: bool,
    },
    /// More of these let in more, or less.
    Opaque {
        any_of: Vec<String>,
        more_is_more: bool,
        not: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
}

impl Texts {
    fn turned(&self) -> Self {
        Self { any_of: self.any_of.clone(), not: !self.not }
    }
}

impl Test {
    /// What holds where this does not.
    fn turned(&self) -> Self {
        let values = match self.values.clone() {
            Values::Texts(texts) => Values::Texts(texts.turned()),
            Values::Numbers { comparison, any_of, not } => Values::Numbers { comparison, any_of, not: !not },
            Values::Blocks { any_of, not } => Values::Blocks { any_of, not: !not },
            Values::Opaque { any_of, more_is_more, not } => Values::Opaque { any_of, more_is_more, not: !not },
        };
        Self { values, absent: !self.absent }
    }
}

impl Area {
    /// Whether no request lies in it, for certain.
    pub(super) fn is_empty(&self) -> bool {
        let none = |texts: &[Texts]| pattern::is_empty(&texts.iter().collect::<Vec<_>>()) == Some(true);
        none(&self.actions) || none(&self.resources) || none(&self.who) || self.when.values().any(|one| never(one))
    }

    /// What lies in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (own, more) in
            [(&mut both.who, &other.who), (&mut both.actions, &other.actions), (&mut both.resources, &other.resources)]
        {
            own.extend(more.iter().filter(|one| !own.contains(one)).cloned().collect::<Vec<_>>());
        }
        for (variable, tests) in &other.when {
            both.when.entry(variable.clone()).or_default().extend(tests.iter().cloned());
        }
        both
    }

    /// What lies in it and not in the other: pieces, which may overlap.
    fn without(&self, other: &Self) -> Vec<Self> {
        let mut pieces = Vec::new();
        for limit in &other.actions {
            let mut piece = self.clone();
            piece.actions.push(limit.turned());
            pieces.push(piece);
        }
        for limit in &other.resources {
            let mut piece = self.clone();
            piece.resources.push(limit.turned());
            pieces.push(piece);
        }
        for limit in &other.who {
            let mut piece = self.clone();
            piece.who.push(limit.turned());
            pieces.push(piece);
        }
        for (variable, tests) in &other.when {
            for test in tests {
                let mut piece = self.clone();
                piece.when.entry(variable.clone()).or_default().push(test.turned());
                pieces.push(piece);
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// Whether a part of it lies in none of the others. What cannot be decided counts as outside.
    pub(super) fn reaches_beyond(&self, others: &[&Self]) -> bool {
        !self.is_empty() && self.escapes(others, &mut { MOST_PIECES })
    }

    /// Takes the others away one after the other, each piece for itself; `left` is how many pieces may still be looked at.
    fn escapes(&self, others: &[&Self], left: &mut usize) -> bool {
        let touching: Vec<&Self> = others.iter().copied().filter(|other| !self.and(other).is_empty()).collect();
        // One that covers it all ends the search before it begins.
        if touching.iter().any(|other| self.without(other).is_empty()) {
            return false;
        }
        let Some((other, rest)) = touching.split_first() else { return true };
        let Some(fewer) = left.checked_sub(1) else { return true };
        *left = fewer;
        self.without(other).iter().any(|piece| piece.escapes(rest, left))
    }
}

/// Whether no value of a variable passes all tests, for certain.
fn never(tests: &[Test]) -> bool {
    if tests.iter().all(|test| test.absent) {
        return false;
    }
    let texts: Vec<&Texts> = tests
        .iter()
        .filter_map(|test| match &test.values {
            Values::Texts(texts) => Some(texts),
            _ => None,
        })
        .collect();
    if !texts.is_empty() {
        return pattern::is_empty(&texts) == Some(true);
    }
    no_number(tests) || no_address(tests) || contradict(tests)
}

/// Whether no number passes: each bound, and what lies between two and beyond, is tried.
fn no_number(tests: &[Test]) -> bool {
    let mut bounds: Vec<i64> = tests
        .iter()
        .flat_map(|test| match &test.values {
            Values::Numbers { any_of, .. } => any_of.as_slice(),
            _ => &[],
        })
        .copied()
        .collect();
    if bounds.is_empty() {
        return false;
    }
    bounds.sort_unstable();
    let tried = bounds.iter().flat_map(|bound| [bound.saturating_sub(1), *bound, bound.saturating_add(1)]);
    let passes = |number: i64, test: &Test| match &test.values {
        Values::Numbers { comparison, any_of, not } => {
            let holds = any_of.iter().any(|bound| match comparison {
                Comparison::Equal => number == *bound,
                Comparison::Less => number < *bound,
                Comparison::LessOrEqual => number <= *bound,
            });
            holds != *not
        }
        _ => true,
    };
    !tried.into_iter().any(|number| tests.iter().all(|test| passes(number, test)))
}

/// Whether no address passes: the ends of each block, and their neighbours, are tried.
fn no_address(tests: &[Test]) -> bool {
    let blocks = tests.iter().filter_map(|test| match &test.values {
        Values::Blocks { any_of, not } => Some((any_of, *not)),
        _ => None,
    });
    let ends = blocks
        .clone()
        .flat_map(|(any_of, _)| any_of)
        .flat_map(|(first, last)| [first.saturating_sub(1), *first, *last, last.saturating_add(1)]);
    let mut ends = ends.peekable();
    let passes = |address: u128| {
        blocks
            .clone()
            .all(|(any_of, not)| any_of.iter().any(|(first, last)| (*first..=*last).contains(&address)) != not)
    };
    ends.peek().is_some() && !ends.any(passes)
}

/// Whether what one test asks for, another one rules out: the only thing that is known of an operator.
fn contradict(tests: &[Test]) -> bool {
    let opaque = |wanted: bool| {
        tests.iter().filter_map(move |test| match &test.values {
            Values::Opaque { any_of, more_is_more, not } if *not != wanted => Some((any_of, *more_is_more)),
            _ => None,
        })
    };
    opaque(true).any(|(inner, more_is_more)| {
        opaque(false).any(|(outer, _)| {
            let (small, large) = if more_is_more { (inner, outer) } else { (outer, inner) };
            small.iter().all(|value| large.contains(value))
        })
    })
}
