//! What a change of a template does to the running system.
//!
//! [`diff`] compares two templates in normal form (order where AWS has none, short forms, equivalent functions and defaults
//! spelled out are no difference) and answers twice: as [`Change`]s, which lose nothing, and as [`Fact`]s, which are
//! sentences for a reviewer, the most dangerous first. One question to the two templates is one function
//! `fn(&Compared) -> Vec<Fact>` in a file of its own; all of them stand in one table, [`FINDERS`].
//!
//! No value leaves this module but as [`Shown`], which does not show what is or looks like a secret. Finding is apart from
//! showing: nothing here knows of colours, widths or exit codes.

mod access;
mod changes;
mod code;
mod compared;
mod consequence;
mod context;
mod effects;
mod exposure;
mod failure;
mod flow;
mod fold;
mod guard;
mod hidden;
mod limits;
mod losses;
mod model;
mod normalize;
mod predicted;
mod propagate;
mod protection;
mod references;
mod resources;
mod rest;
mod secrets;
mod sections;
mod side;
mod waiting;
mod words;

#[cfg(test)]
mod tests;

use cfn::guard::{Guard, Guards};
pub use context::{Code, Context, Known, Predicted, Replacement};
pub use guard::{Allowed, Blocked, Verdict};
pub use hidden::Shown;
pub use model::{
    ADVICE, Action, Change, Consequence, Detail, Diff, Fact, PropertyChange, Risk, Section, SectionChange, Source, Undo,
};

use std::collections::HashSet;

use cfn::{Path, Template};
use compared::Compared;

/// The answer to one question about a change.
#[derive(Default)]
struct Answer {
    facts: Vec<Fact>,
    /// Changes without a meaning: policies written in another way, origins in another order, the same code elsewhere.
    unchanged: Vec<Path>,
}

impl From<Vec<Fact>> for Answer {
    fn from(facts: Vec<Fact>) -> Self {
        Self { facts, unchanged: Vec::new() }
    }
}

/// A question to the two templates.
type Finder = fn(&Compared<'_>) -> Answer;

/// Every question that a reviewer has, in the order in which facts of one risk are listed.
const FINDERS: [Finder; 10] = [
    |compared| effects::find(compared).into(),
    |compared| failure::find(compared).into(),
    |compared| predicted::find(compared).into(),
    access::find,
    exposure::find,
    |compared| protection::find(compared).into(),
    |compared| flow::find(compared).into(),
    code::find,
    |compared| limits::find(compared).into(),
    |compared| sections::find(compared).into(),
];

/// What becomes of a stack of the template `old` when it is updated to `new`.
#[must_use]
pub fn diff(old: &Template, new: &Template, context: &Context) -> Diff {
    let compared = changes::compare(old, new, context);
    let Answer { mut facts, unchanged } = answers(&compared);
    keep_the_closest(&mut facts, &unchanged);
    facts.extend(rest::find(&compared, &facts, &unchanged));
    facts.sort_by_key(|fact| fact.risk);
    let verdict = guard::judge(&facts, &context.guards);
    compared.into_diff(facts, verdict)
}

/// The answers to all questions.
fn answers(compared: &Compared<'_>) -> Answer {
    let mut all = Answer::default();
    for find in FINDERS {
        let Answer { facts, unchanged } = find(compared);
        all.facts.extend(facts);
        all.unchanged.extend(unchanged);
    }
    all
}

/// That something without data is deleted is no news where another fact says what that means: "A no longer reaches B".
fn keep_the_closest(facts: &mut Vec<Fact>, unchanged: &[Path]) {
    let meant = |fact: &Fact| fact.id != "deleted" || fact.risk != Risk::Interruption;
    let told = facts.iter().filter(|fact| meant(fact)).flat_map(|fact| &fact.explains).chain(unchanged);
    let told: HashSet<Path> = told.cloned().collect();
    facts.retain(|fact| meant(fact) || !fact.explains.iter().all(|path| told.contains(path)));
}
