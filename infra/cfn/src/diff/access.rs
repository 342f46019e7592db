//! Who may newly do what on what, and who no longer.

use super::{Fact, compared::Compared};

/// Who may newly do what on what, and who no longer.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
