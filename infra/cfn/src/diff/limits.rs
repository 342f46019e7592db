//! What costs more or less, and limits that are others.

use super::{Fact, compared::Compared};

/// What costs more or less, and limits that are others.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
