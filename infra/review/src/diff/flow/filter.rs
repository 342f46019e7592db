//! Filters as sets of what they let pass.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// What passes a filter now, against what passed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Same,
    /// Everything: there is no filter any more.
    All,
    More,
    Less,
    /// Neither all of what passed, nor only that; or it cannot be told.
    Other,
}

/// Compares filter policies of SNS, event patterns, filter criteria of Lambda and patterns of logs.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>
pub(super) fn compare(old: Option<&Json>, new: Option<&Json>) -> Reach {
    let (old, new) = match (old, new) {
        (None, None) => return Reach::Same,
        (None, Some(_)) => return Reach::Less,
        (Some(_), None) => return Reach::All,
        (Some(old), Some(new)) => (alternatives(old), alternatives(new)),
    };
    let (Some(old), Some(new)) = (old, new) else { return Reach::Other };
    let within =
        |inner: &[Fields], outer: &[Fields]| inner.iter().all(|one| outer.iter().any(|other| lies_in(one, other)));
    match (within(&old, &new), within(&new, &old)) {
        (true, true) => Reach::Same,
        (true, false) => Reach::More,
        (false, true) => Reach::Less,
        (false, false) => Reach::Other,
    }
}

/// What each field must be, any of the values; every field must fit.
type Fields = BTreeMap<String, Vec<Json>>;

/// The patterns of which one must fit; nothing where the filter is in a language that is not read here.
fn alternatives(filter: &Json) -> Option<Vec<Fields>> {
    if let Some(filters) = filter.get("Filters").and_then(Json::as_array) {
        let each = filters.iter().map(|one| fields(one.get("Pattern")?));
        return each.collect();
    }
    Some(vec![fields(filter)?])
}

fn fields(pattern: &Json) -> Option<Fields> {
    let parsed = match pattern {
        Json::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    let mut found = Fields::new();
    gather(&parsed, "", &mut found)?;
    Some(found)
}

fn gather(pattern: &Json, place: &str, found: &mut Fields) -> Option<()> {
    for (key, value) in pattern.as_object()? {
        // One of several patterns inside of another: not read here.
        if key == "$or" || key.starts_with("Fn::") || key == "Ref" {
            return None;
        }
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        match value {
            Json::Array(values) => _ = found.insert(place, values.clone()),
            Json::Object(_) => gather(value, &place, found)?,
            _ => return None,
        }
    }
    Some(())
}

/// Whether what fits one pattern fits the other.
fn lies_in(inner: &Fields, outer: &Fields) -> bool {
    outer.iter().all(|(field, allowed)| {
        let wanted = inner.get(field);
        wanted.is_some_and(|wanted| wanted.iter().all(|one| allowed.iter().any(|other| value_lies_in(one, other))))
    })
}

/// Whether what fits one value or operator fits the other.
fn value_lies_in(inner: &Json, outer: &Json) -> bool {
    if inner == outer {
        return true;
    }
    let (text, operator) = (inner.as_str(), |name: &str| outer.get(name));
    let starts = |prefix: &Json, with: &str| prefix.as_str().is_some_and(|prefix| with.starts_with(prefix));
    if let Some(prefix) = operator("prefix") {
        let longer = inner.get("prefix").and_then(Json::as_str);
        return text.or(longer).is_some_and(|text| starts(prefix, text));
    }
    if let Some(suffix) = operator("suffix").and_then(Json::as_str) {
        return text.is_some_and(|text| text.ends_with(suffix));
    }
    if let Some(barred) = operator("anything-but") {
        let barred: Vec<&Json> = barred.as_array().map_or_else(|| vec![barred], |all| all.iter().collect());
        let plain = barred.iter().all(|one| one.is_string() || one.is_number());
        let more =
            inner.get("anything-but").map(|its| its.as_array().map_or_else(|| vec![its], |all| all.iter().collect()));
        return match more {
            Some(its) => barred.iter().all(|one| its.contains(one)),
            None => plain && (text.is_some() || inner.is_number()) && !barred.contains(&inner),
        };
    }
    // Whatever the value is, the field is there.
    operator("exists") == Some(&json!(true)) && inner.get("exists") != Some(&json!(false)) && !inner.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_compared_as_what_they_let_pass() {
        let policy = |values: Json| json!({"kind": values});
        for (old, new, reach) in [
            (json!({"a": ["x"]}), json!({"a": ["x", "y"]}), Reach::More),
            (json!({"a": ["x", "y"]}), json!({"a": ["y"]}), Reach::Less),
            (json!({"a": ["x"]}), json!({"a": ["x"], "b": [1]}), Reach::Less),
            (json!({"a": ["x"]}), json!({"a": ["y"]}), Reach::Other),
            (json!({"a": ["x", "y"]}), json!({"a": ["y", "x"]}), Reach::Same),
            (policy(json!(["sale.done"])), policy(json!([{"prefix": "sale."}])), Reach::More),
            (policy(json!([{"prefix": "s"}])), policy(json!([{"prefix": "sale."}])), Reach::Less),
            (policy(json!([{"anything-but": ["a", "b"]}])), policy(json!([{"anything-but": "a"}])), Reach::More),
            (policy(json!([{"anything-but": ["a"]}])), policy(json!(["b"])), Reach::Less),
            (policy(json!([{"exists": true}])), policy(json!(["b"])), Reach::Less),
            (json!({"d": {"t": ["x"]}}), json!({"d": {"t": ["x"], "u": ["y"]}}), Reach::Less),
            (json!({"$or": []}), json!({"a": ["y"]}), Reach::Other),
            (
                json!({"Filters": [{"Pattern": "{\"a\": [1]}"}]}),
                json!({"Filters": [{"Pattern": "{\"b\": [1]}"}, {"Pattern": "{\"a\": [1]}"}]}),
                Reach::More,
            ),
        ] {
            assert_eq!(compare(Some(&old), Some(&new)), reach, "{old} {new}");
        }
        assert_eq!(compare(Some(&json!({"a": ["x"]})), None), Reach::All);
        assert_eq!(compare(None, Some(&json!("ERROR"))), Reach::Less);
    }
}
