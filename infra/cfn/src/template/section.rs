//! A section of a template: named entries, and functions that make further ones.

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use indexmap::{IndexMap, map};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Value as Json};

/// The entries of a section, by name, in the order they were written; it is used as the map of its entries.
///
/// `Fn::ForEach::<loop>` and `Fn::Transform` may stand among the entries. What they make is known to CloudFormation only,
/// so they are kept as they are, behind the entries.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html>
#[derive(Clone, Debug, PartialEq)]
pub struct Section<K: Eq + Hash, V> {
    entries: IndexMap<K, V>,
    /// Functions in the place of entries, by the key they stand under.
    pub functions: Map<String, Json>,
}

impl<K: Eq + Hash, V> Section<K, V> {
    /// Whether there is neither an entry nor a function.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.functions.is_empty()
    }
}

impl<K: Eq + Hash, V> Default for Section<K, V> {
    fn default() -> Self {
        Self { entries: IndexMap::new(), functions: Map::new() }
    }
}

impl<K: Eq + Hash, V> Deref for Section<K, V> {
    type Target = IndexMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<K: Eq + Hash, V> DerefMut for Section<K, V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

impl<'a, K: Eq + Hash, V> IntoIterator for &'a Section<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl<K: Eq + Hash + Serialize, V: Serialize> Serialize for Section<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len() + self.functions.len()))?;
        for (key, value) in &self.entries {
            map.serialize_entry(key, value)?;
        }
        for (key, value) in &self.functions {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K, V> Deserialize<'de> for Section<K, V>
where
    K: Eq + Hash + TryFrom<String, Error: fmt::Display>,
    V: DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<fn() -> (K, V)>);

impl<'de, K, V> Visitor<'de> for Entries<K, V>
where
    K: Eq + Hash + TryFrom<String, Error: fmt::Display>,
    V: DeserializeOwned,
{
    type Value = Section<K, V>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a section: names with their entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut section = Section::default();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if key.starts_with("Fn::") {
                section.functions.insert(key, value);
                continue;
            }
            let entry = serde_json::from_value(value).map_err(|error| A::Error::custom(format!("{key}: {error}")))?;
            section.entries.insert(K::try_from(key).map_err(A::Error::custom)?, entry);
        }
        Ok(section)
    }
}
