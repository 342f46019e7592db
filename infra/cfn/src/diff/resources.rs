//! Which resources differ, and in which properties.

use super::{
    Change,
    compared::{Pairs, Side},
};

/// The changes between two sides, and which resource of the one is which of the other.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>) -> (Vec<Change>, Pairs) {
    let both = new.template.resources.keys().filter(|id| old.template.resources.contains_key(*id));
    (Vec::new(), both.map(|id| (id.clone(), id.clone())).collect())
}
