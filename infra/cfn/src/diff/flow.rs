//! Events that go another way.

use super::{Fact, compared::Compared};

/// Events that go another way.
pub(super) fn find(_compared: &Compared<'_>) -> Vec<Fact> {
    Vec::new()
}
