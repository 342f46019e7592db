//! Templates in normal form: what AWS takes for the same is the same.

use super::Known;
use crate::Template;

/// The normal form of a template.
pub(super) fn template(template: &Template, _known: &Known) -> Template {
    template.clone()
}
