//! What can be reached by more people, or by fewer.

use super::{Fact, compared::Compared};

/// What can be reached by more people, or by fewer.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
