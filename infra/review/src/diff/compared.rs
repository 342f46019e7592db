//! Two templates side by side, as finders ask about them.

use std::{cell::OnceCell, collections::HashMap, thread};

use serde_json::Value as Json;

use super::{
    Change, Context, Diff, Fact, Known, SectionChange, Shown, Verdict, access, hidden::Hidden, normalize, predicted,
    propagate, resources, sections,
};
use crate::check;
use cfn::{LogicalId, Path, Resource, Template, view::TemplateView};

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
    /// What the policies say, for whoever asks first.
    pub(super) policies: OnceCell<access::Sides>,
    /// Which resource of the old template is which of the new one.
    pairs: Pairs,
    /// Where each change stands, by the id of its resource.
    by_id: HashMap<LogicalId, usize>,
    hidden: Hidden<'a>,
}

/// The old id of each resource that is in both templates, by the new one.
pub(super) type Pairs = HashMap<LogicalId, LogicalId>;

/// One of the two templates.
pub(crate) struct Side<'a> {
    /// As it was given.
    pub(crate) given: &'a Template,
    /// In normal form: resources that conditions leave out are not there, values that are known stand in their places,
    /// equivalent functions are written in one way (`Ref`, `Fn::GetAtt` as a list of two, `Fn::Sub`), lists without an
    /// order are sorted, defaults are spelled out where AWS documents them; numbers and truths are texts (`"30"`), but
    /// inside of JSON without a schema. Sensitive values are still in it: whatever is told of them goes through
    /// [`Compared::show`].
    pub(crate) template: Template,
    /// What is known beside it.
    pub(crate) known: &'a Known,
}

/// A resource that is in both templates.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) old_id: &'a LogicalId,
    pub(crate) new_id: &'a LogicalId,
    /// In normal form.
    pub(crate) old: &'a Resource,
    /// In normal form.
    pub(crate) new: &'a Resource,
}

impl<'a> Side<'a> {
    fn of(given: &'a Template, known: &'a Known) -> Self {
        Self { given, template: normalize::template(given, known), known }
    }

    /// The normal form as the rules of [`crate::check`] ask about it.
    pub(crate) fn facts(&self) -> TemplateView<'_> {
        TemplateView::of(&self.template)
    }
}

impl<'a> Compared<'a> {
    pub(super) fn of(old: &'a Template, new: &'a Template, context: &'a Context) -> Self {
        // The rules take as long as everything else together.
        let (hidden, sides, found, checked) = thread::scope(|scope| {
            let checked = scope.spawn(|| check::template(new));
            let hidden = Hidden::of(old, new, context);
            let (old, new) = (Side::of(old, &context.old), Side::of(new, &context.new));
            let found = resources::compare(&old, &new, &hidden);
            (hidden, (old, new), found, checked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let ((old, new), (mut changes, pairs)) = (sides, found);
        propagate::follow(&mut changes, &pairs, &old.template, &new.template);
        predicted::join(&mut changes, context);
        for change in &mut changes {
            change.source = context.sources.get(&change.id).cloned();
            change.properties.iter_mut().for_each(|property| property.source.clone_from(&change.source));
        }
        let sections = sections::compare(&old, &new, &hidden);
        let by_id = changes.iter().enumerate().rev().map(|(at, change)| (change.id.clone(), at)).collect();
        Self { old, new, changes, sections, checked, context, policies: OnceCell::new(), pairs, by_id, hidden }
    }

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
