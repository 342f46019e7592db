//! What follows behind a resource that is replaced or deleted.

use super::{Fact, compared::Compared};

/// What follows behind a resource that is replaced or deleted.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
