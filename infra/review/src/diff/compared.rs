//! Two templates side by side, as finders ask about them.

use std::collections::HashMap;

use serde_json::Value as Json;

use cfn::{LogicalId, Path};

use super::{
    Change, Context, Diff, Fact, SectionChange, Shown, Verdict,
    hidden::Hidden,
    side::{Pair, Pairs, Side},
};
use crate::check;

/// Two templates side by side, and what was found between their resources.
pub(crate) struct Compared<'a> {
    /// The template as it is.
    pub(crate) old: Side<'a>,
    /// The template as it will be.
    pub(crate) new: Side<'a>,
    /// What differs between the resources.
    pub(crate) changes: Vec<Change>,
    /// What differs elsewhere.
    pub(crate) sections: Vec<SectionChange>,
    /// What the rules find in the new template.
    pub(crate) checked: check::Report,
    /// What is known beside the templates.
    pub(crate) context: &'a Context,
    /// Which resource of the old template is which of the new one.
    pub(super) pairs: Pairs,
    /// Where each change stands, by the id of its resource.
    pub(super) by_id: HashMap<LogicalId, usize>,
    pub(super) hidden: Hidden<'a>,
}

impl<'a> Compared<'a> {
    /// The resources that are in both templates, under one id or under two, in the order of the new template.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        self.new.template.resources.keys().filter_map(|id| self.pair(id.as_str()))
    }

    /// The resource of this new id, if it is in both templates.
    pub(crate) fn pair(&self, new_id: &str) -> Option<Pair<'_>> {
        let (new_id, old_id) = self.pairs.get_key_value(new_id)?;
        let (old, new) = (self.old.template.resources.get(old_id)?, self.new.template.resources.get(new_id)?);
        Some(Pair { old_id, new_id, old, new })
    }

    /// What differs about the resource of this id (of the new template, where it is in both).
    pub(crate) fn change(&self, id: &str) -> Option<&Change> {
        self.changes.get(*self.by_id.get(id)?)
    }

    /// A value at a place as it may be shown.
    pub(crate) fn show(&self, path: &Path, value: &Json) -> Shown {
        self.hidden.show(path, value)
    }

    /// The answer, with the secrets taken out of sentences that quote them.
    pub(super) fn into_diff(self, mut facts: Vec<Fact>, mut verdict: Verdict) -> Diff {
        for fact in &mut facts {
            let first = fact.subjects.first().and_then(|id| self.context.sources.get(id));
            fact.source = fact.source.take().or_else(|| first.cloned());
            self.hidden.scrub(&mut fact.sentence);
            fact.details.iter_mut().for_each(|detail| self.hidden.scrub(&mut detail.text));
        }
        verdict.blocked.iter_mut().for_each(|blocked| self.hidden.scrub(&mut blocked.sentence));
        verdict.allowed.iter_mut().for_each(|allowed| self.hidden.scrub(&mut allowed.sentence));
        Diff { facts, changes: self.changes, sections: self.sections, verdict }
    }
}
