//! What happens to each resource, and what is lost.

use super::{Fact, compared::Compared};

/// What happens to each resource, and what is lost.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
