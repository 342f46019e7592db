//! What outlives the process, when it is to: subscriptions, sales, events, invoices and deliveries, written down as they
//! change.
//!
//! Each line of the journal holds all that one request changed, so that the end of the process, at whatever moment, keeps
//! nothing by halves. It also holds the key that signs webhooks and, once it was changed, the client's secret. Access tokens
//! and faults are not written down.

use std::path::Path;

use indexmap::IndexMap;
use journal::{Journal, JournalError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    authority::SavedKey,
    invoicing::invoice::Invoice,
    records::{Delivery, Subscription},
};

/// The journal's name in its folder.
const NAME: &str = "paypal.jsonl";

/// Opens the journal of a folder, and begins the next one with what the last one held.
///
/// # Errors
/// The folder or a file in it cannot be used, or a line is not valid.
pub(crate) fn open(folder: &Path) -> Result<(Journal, Changes), JournalError> {
    let (journal, lines) = Journal::open::<Changes>(folder, NAME)?;
    let mut saved = Changes::default();
    lines.into_iter().for_each(|line| saved.then(line));
    saved.write(&journal);
    journal.settle()?;
    Ok((journal, saved))
}

/// What changed, or all that there is: a line.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Changes {
    /// From where the making of ids goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) random: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// The key that signs webhooks, with its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<SavedKey>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) subscriptions: IndexMap<String, Subscription>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) request_ids: IndexMap<String, (Value, String)>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) sales: IndexMap<String, Value>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) events: IndexMap<String, String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) invoices: IndexMap<String, Invoice>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) deliveries: IndexMap<String, Delivery>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.random.is_none()
            && self.client_secret.is_none()
            && self.key.is_none()
            && self.subscriptions.is_empty()
            && self.request_ids.is_empty()
            && self.sales.is_empty()
            && self.events.is_empty()
            && self.invoices.is_empty()
            && self.deliveries.is_empty()
    }

    /// Takes in what changed later.
    fn then(&mut self, later: Self) {
        self.random = later.random.or(self.random);
        self.client_secret = later.client_secret.or_else(|| self.client_secret.take());
        self.key = later.key.or_else(|| self.key.take());
        self.subscriptions.extend(later.subscriptions);
        self.request_ids.extend(later.request_ids);
        self.sales.extend(later.sales);
        self.events.extend(later.events);
        self.invoices.extend(later.invoices);
        self.deliveries.extend(later.deliveries);
    }

    /// Writes a line, if anything changed.
    pub(crate) fn write(&self, journal: &Journal) {
        if !self.is_empty() {
            journal.write(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn last_change_of_a_value_counts() {
        let folder = std::env::temp_dir().join(format!("paypal-sandbox-{}-last", std::process::id()));
        let _old = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let lines = "{\"events\":{\"a\":\"1\",\"b\":\"2\"}}\n{\"random\":7,\"events\":{\"a\":\"3\"}}\n{\"ran";
        fs::write(folder.join(NAME), lines).unwrap();
        for _ in 0..2 {
            let (_, saved) = open(&folder).unwrap();
            assert_eq!((saved.random, saved.events["a"].as_str(), saved.events.len()), (Some(7), "3", 2));
        }
        let (journal, _) = open(&folder).unwrap();
        Changes { client_secret: Some("new".to_owned()), ..Changes::default() }.write(&journal);
        assert_eq!(open(&folder).unwrap().1.client_secret.as_deref(), Some("new"));
        fs::remove_dir_all(folder).unwrap();
    }
}
