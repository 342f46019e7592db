//! A template while it is checked.

use std::{cell::OnceCell, ops::Deref};

use cfn::{Template, view::TemplateView};

use super::{
    quotas,
    schema::{self, Misfit},
};

/// The view of a template, with what several rules need. It is computed once.
pub(super) struct Facts<'a> {
    view: TemplateView<'a>,
    misfits: OnceCell<Vec<Misfit>>,
    size: OnceCell<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(template: &'a Template) -> Self {
        Self { view: TemplateView::of(template), misfits: OnceCell::new(), size: OnceCell::new() }
    }

    /// What does not fit AWS's schemas, in the template's order.
    pub(super) fn misfits(&self) -> &[Misfit] {
        self.misfits.get_or_init(|| schema::misfits(self))
    }

    /// The fewest bytes that the template can be sent in.
    pub(super) fn size(&self) -> usize {
        *self.size.get_or_init(|| quotas::size(self.template))
    }
}

impl<'a> Deref for Facts<'a> {
    type Target = TemplateView<'a>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}
