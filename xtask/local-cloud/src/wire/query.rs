//! The query protocol's parameters: a form whose keys are paths.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/CommonParameters.html>

use std::collections::BTreeMap;

/// The parameters of a request.
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the parameters of an address and of a form.
    pub(crate) fn parse(address: &str, body: &[u8]) -> Self {
        let pairs = |text| url::form_urlencoded::parse(text).into_owned();
        Self(pairs(address.as_bytes()).chain(pairs(body)).collect())
    }

    /// A parameter's value.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A list: `key.1`, `key.2`, ... each read by `read`, which gets the prefix of the item's own keys.
    pub(crate) fn list<T>(&self, key: &str, read: impl Fn(&Self, &str) -> Option<T>) -> Vec<T> {
        (1..).map_while(|at| read(self, &format!("{key}.{at}"))).collect()
    }

    /// A map written as a list of entries with a key and a value.
    pub(crate) fn map(&self, key: &str, name: &str, value: &str) -> BTreeMap<String, String> {
        let entry = |query: &Self, at: &str| {
            let text = |part: &str| query.get(&format!("{at}.{part}")).map(str::to_owned);
            Some((text(name)?, text(value).unwrap_or_default()))
        };
        self.list(key, entry).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn lists_and_maps_are_read_from_paths() {
        let query = Query::parse("Action=X", b"A.member.1=a&A.member.2=b%20c&M.entry.1.key=k&M.entry.1.value=v");
        assert_eq!(query.get("Action"), Some("X"));
        let list = query.list("A.member", |query, at| query.get(at).map(str::to_owned));
        assert_eq!(list, ["a", "b c"]);
        assert_eq!(query.map("M.entry", "key", "value").get("k").map(String::as_str), Some("v"));
    }
}
