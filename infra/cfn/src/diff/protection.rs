//! Protections that are weaker, or stronger.

use super::{Fact, compared::Compared};

/// Protections that are weaker, or stronger.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
