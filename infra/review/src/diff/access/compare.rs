//! What the statements about a thing newly allow, and what no longer; decided as sets.

use std::collections::HashSet;

use super::{
    area::Area,
    statement::{Named, Part, Statement},
};

/// One permission: one principal, one action, one resource, under the conditions of a statement.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) who: Part,
    pub(super) action: Part,
    pub(super) resource: Part,
    pub(super) conditions: Vec<String>,
    pub(super) area: Area,
}

/// What two lists of statements differ in.
#[derive(Default)]
pub(super) struct Delta {
    /// Allowed now, at least in part, and not before.
    pub(super) newly: Vec<Grant>,
    /// Allowed before, at least in part, and no longer.
    pub(super) gone: Vec<Grant>,
    /// Denied now, and not before.
    pub(super) barred: Vec<Grant>,
    /// Denied before, and no longer.
    pub(super) unbarred: Vec<Grant>,
    /// What was allowed, and is allowed.
    pub(super) before: Vec<Grant>,
    pub(super) after: Vec<Grant>,
}

impl Delta {
    /// The difference between what was said about a thing, and what is.
    pub(super) fn of(old: &[Statement], new: &[Statement]) -> Self {
        let same = |one: &Statement, other: &Statement| one.allows == other.allows && one.area() == other.area();
        if old.len() == new.len() && old.iter().zip(new).all(|(one, other)| same(one, other)) {
            return Self::default();
        }
        let (before, denied) = grants(old);
        let (after, denies) = grants(new);
        Self {
            newly: beyond(&after, &before, &denies),
            gone: beyond(&before, &after, &denied),
            barred: beyond(&denies, &denied, &[]),
            unbarred: beyond(&denied, &denies, &[]),
            before,
            after,
        }
    }
}

impl Delta {
    /// Whether nothing is allowed or denied that was not before, and everything still is that was.
    pub(super) fn is_empty(&self) -> bool {
        let Self { newly, gone, barred, unbarred, .. } = self;
        [newly, gone, barred, unbarred].iter().all(|grants| grants.is_empty())
    }
}

/// What statements allow, and what they deny, one by one.
fn grants(statements: &[Statement]) -> (Vec<Grant>, Vec<Grant>) {
    let (allows, denies): (Vec<&Statement>, Vec<&Statement>) = statements.iter().partition(|one| one.allows);
    let split = |statements: Vec<&Statement>| {
        let mut seen = HashSet::new();
        let all = statements.into_iter().flat_map(singles).filter(move |grant| seen.insert(grant.area.clone()));
        all.collect()
    };
    (split(allows), split(denies))
}

fn singles(statement: &Statement) -> Vec<Grant> {
    let mut all = Vec::new();
    for who in statement.who.split() {
        for resource in statement.resources.split() {
            for action in statement.actions.split() {
                let area = Area {
                    who: vec![who.texts()],
                    actions: vec![action.texts()],
                    resources: vec![resource.texts()],
                    when: statement.when.clone(),
                };
                let (who, resource) = (who.clone(), resource.clone());
                all.push(Grant { who, action, resource, conditions: statement.conditions.clone(), area });
            }
        }
    }
    all
}

/// Those of `grants` that reach beyond `others` and `denied` together.
fn beyond(grants: &[Grant], others: &[Grant], denied: &[Grant]) -> Vec<Grant> {
    let known: HashSet<&Area> = others.iter().map(|one| &one.area).collect();
    let fresh = grants.iter().filter(|grant| !known.contains(&grant.area));
    let limits: Vec<&Area> = others.iter().chain(denied).map(|one| &one.area).collect();
    fresh.filter(|grant| grant.area.reaches_beyond(&limits)).cloned().collect()
}

impl Part {
    /// The pattern's name, or `everything but` the names.
    pub(super) fn shown(&self) -> String {
        let names: Vec<&str> = self.each.iter().map(|one| one.shown.as_str()).collect();
        if self.not { format!("everything but {}", names.join(", ")) } else { names.join(", ") }
    }

    /// The one pattern, where it is one.
    pub(super) fn one(&self) -> Option<&Named> {
        match self.each.as_slice() {
            [one] if !self.not => Some(one),
            _ => None,
        }
    }
}
