//! One of the two templates that are compared, and the resources that are in both.

use std::collections::HashMap;

use cfn::{LogicalId, Resource, Template, view::TemplateView};

use super::{Known, normalize};

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
    /// `Compared::show`.
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
    pub(super) fn of(given: &'a Template, known: &'a Known) -> Self {
        Self { given, template: normalize::template(given, known), known }
    }

    /// The normal form as the rules of [`crate::check`] ask about it.
    pub(crate) fn facts(&self) -> TemplateView<'_> {
        TemplateView::of(&self.template)
    }
}
