//! A template while it is checked.

use std::{cell::OnceCell, io, ops::Deref};

use cfn::{
    Template,
    view::{
        TemplateView,
        policies::{self, OwnedStatement},
    },
};

use super::misfits::{Misfit, misfits};

/// The view of a template, with what several rules need. It is computed once.
pub(super) struct Facts<'a> {
    view: TemplateView<'a>,
    misfits: OnceCell<Vec<Misfit>>,
    statements: OnceCell<Vec<OwnedStatement<'a>>>,
    size: OnceCell<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(template: &'a Template) -> Self {
        Self {
            view: TemplateView::of(template),
            misfits: OnceCell::new(),
            statements: OnceCell::new(),
            size: OnceCell::new(),
        }
    }

    /// What does not fit AWS's schemas, in the template's order.
    pub(super) fn misfits(&self) -> &[Misfit] {
        self.misfits.get_or_init(|| misfits(self))
    }

    /// Every statement of every policy that the template has as JSON.
    pub(super) fn statements(&self) -> &[OwnedStatement<'a>] {
        self.statements.get_or_init(|| policies::statements(self))
    }

    /// The fewest bytes that the template can be sent in.
    pub(super) fn size(&self) -> usize {
        *self.size.get_or_init(|| size(self.template))
    }
}

impl<'a> Deref for Facts<'a> {
    type Target = TemplateView<'a>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

/// The fewest bytes that a template can be sent in.
fn size(template: &Template) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, template).map_or(0, |()| count.0)
}

/// Takes bytes and keeps their number.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
