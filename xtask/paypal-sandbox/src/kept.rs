//! A map that knows which of its entries were changed since somebody wrote them down.

use std::ops::Deref;

use indexmap::IndexMap;

/// Entries by their ids, in the order in which they came. Reading is as of any map.
pub(crate) struct Kept<T> {
    entries: IndexMap<String, T>,
    changed: Vec<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { entries: IndexMap::new(), changed: Vec::new() }
    }
}

impl<T> Deref for Kept<T> {
    type Target = IndexMap<String, T>;

    fn deref(&self) -> &IndexMap<String, T> {
        &self.entries
    }
}

impl<T> Kept<T> {
    pub(crate) fn insert(&mut self, id: String, entry: T) {
        self.changed.push(id.clone());
        self.entries.insert(id, entry);
    }

    /// An entry to change.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let entry = self.entries.get_mut(id)?;
        self.changed.push(id.to_owned());
        Some(entry)
    }

    /// Takes entries in that were written down before.
    pub(crate) fn restore(&mut self, entries: IndexMap<String, T>) {
        self.entries.extend(entries);
    }

    /// Nobody will ask what was changed until now.
    pub(crate) fn forget_changed(&mut self) {
        self.changed.clear();
    }
}

impl<T: Clone> Kept<T> {
    /// What was changed since this was asked last, as it is now.
    pub(crate) fn take_changed(&mut self) -> IndexMap<String, T> {
        let ids = std::mem::take(&mut self.changed);
        ids.into_iter().filter_map(|id| self.entries.get(&id).cloned().map(|entry| (id, entry))).collect()
    }
}
