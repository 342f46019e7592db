//! Filter policies: which messages a subscription wants.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::invalid;
use crate::{
    pattern::{LARGEST, Rules},
    sqs::MessageAttribute,
    wire::ApiError,
};

/// As many keys a policy may have, and as many combinations of its values.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>
const MOST_KEYS: usize = 5;
const MOST_COMBINATIONS: usize = 150;

/// A filter policy, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FilterPolicy {
    rules: Rules,
    /// Whether it looks at the body, and not at the attributes.
    body: bool,
}

impl FilterPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// As SNS words them, when it is none, or more than SNS takes.
    pub(crate) fn parse(text: &str, body: bool) -> Result<Self, ApiError> {
        let policy: Value = serde_json::from_str(text).map_err(|_| wrong("failed to parse JSON."))?;
        let policy = policy.as_object().ok_or_else(|| wrong("Filter policy must be an object"))?;
        let nested = |(key, value): (&String, &Value)| value.is_object() && key != "$or";
        if !body && policy.iter().any(nested) {
            return Err(invalid("Filter policy scope MessageAttributes does not support nested filter policy"));
        }
        let Size { keys, combinations } = size(policy, 1);
        if keys > MOST_KEYS {
            return Err(wrong(&format!("Filter policy can not have more than {MOST_KEYS} keys")));
        }
        if combinations > MOST_COMBINATIONS {
            return Err(wrong("Filter policy is too complex"));
        }
        if has_larger(policy) {
            // This is how SNS answers, whatever it means by it.
            return Err(ApiError { status: 500, ..ApiError::caller("InternalError", "Unknown") });
        }
        let rules = Rules::read(policy, body).map_err(|why| match why.strip_prefix("numeric ") {
            Some(why) => invalid(&format!("Attributes Reason: FilterPolicy: {why}\n at ...")),
            None => wrong(&why),
        })?;
        Ok(Self { rules, body })
    }

    /// Whether a message passes.
    pub(crate) fn matches(&self, message: &str, attributes: &BTreeMap<String, MessageAttribute>) -> bool {
        if self.body {
            return serde_json::from_str::<Value>(message).is_ok_and(|body| body.is_object() && self.rules.hold(&body));
        }
        let values = attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute)));
        self.rules.hold(&Value::Object(values.collect()))
    }
}

/// An attribute as a value: arrays and numbers are what they say, bytes are nothing that can be compared.
fn value(attribute: &MessageAttribute) -> Value {
    let text = attribute.text.clone().unwrap_or_default();
    match attribute.data_type.as_str() {
        "String.Array" => serde_json::from_str(&text).unwrap_or(Value::Null),
        "Number" => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        "Binary" => Value::Null,
        _ => Value::String(text),
    }
}

struct Size {
    keys: usize,
    combinations: usize,
}

/// How many keys a policy has, and how many combinations: the product over its lists of their lengths and depths.
fn size(policy: &Map<String, Value>, depth: usize) -> Size {
    let nothing = Size { keys: 0, combinations: 1 };
    let add = |size: Size, other: Size| Size {
        keys: size.keys + other.keys,
        combinations: size.combinations.saturating_mul(other.combinations),
    };
    policy.iter().fold(nothing, |sum, (key, value)| match value {
        Value::Array(alternatives) if key == "$or" => {
            let each = alternatives.iter().filter_map(Value::as_object).map(|each| size(each, depth));
            // One of them holds, so they add up.
            let or = each.fold(Size { keys: 0, combinations: 0 }, |or, each| Size {
                keys: or.keys + each.keys,
                combinations: or.combinations.saturating_add(each.combinations),
            });
            add(sum, Size { combinations: or.combinations.max(1), ..or })
        }
        Value::Array(values) => add(sum, Size { keys: 1, combinations: values.len().max(1).saturating_mul(depth) }),
        Value::Object(below) => add(sum, size(below, depth + 1)),
        _ => sum,
    })
}

/// Whether a number is compared with that is larger than SNS takes.
fn has_larger(policy: &Map<String, Value>) -> bool {
    policy.values().any(|value| match value {
        Value::Array(values) => values.iter().any(|value| value.as_f64().is_some_and(|number| number.abs() > LARGEST)),
        Value::Object(below) => has_larger(below),
        _ => false,
    })
}

fn wrong(what: &str) -> ApiError {
    invalid(&format!("FilterPolicy: {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::wildcard;

    fn passes(policy: &str, attributes: &[(&str, &str, &str)]) -> bool {
        let attributes = attributes.iter().map(|(name, data_type, text)| {
            let attribute =
                MessageAttribute { data_type: (*data_type).to_owned(), text: Some((*text).to_owned()), binary: None };
            ((*name).to_owned(), attribute)
        });
        FilterPolicy::parse(policy, false).unwrap().matches("", &attributes.collect())
    }

    #[test]
    fn each_operator_on_attributes() {
        let name = [("a", "String", "Apple")];
        for (policy, wanted) in [
            (r#"{"a":["Apple","Pear"]}"#, true),
            (r#"{"a":["apple"]}"#, false),
            (r#"{"a":[{"equals-ignore-case":"aPPLE"}]}"#, true),
            (r#"{"a":[{"prefix":"App"}]}"#, true),
            (r#"{"a":[{"suffix":"App"}]}"#, false),
            (r#"{"a":[{"wildcard":"A*l*"}]}"#, true),
            (r#"{"a":[{"wildcard":"A*x*"}]}"#, false),
            (r#"{"a":[{"exists":true}]}"#, true),
            (r#"{"b":[{"exists":false}]}"#, true),
            (r#"{"a":[{"anything-but":["Pear"]}]}"#, true),
            (r#"{"a":[{"anything-but":{"prefix":"App"}}]}"#, false),
            (r#"{"b":[{"anything-but":["x"]}]}"#, false),
            (r#"{"a":["Apple"],"b":["x"]}"#, false),
            (r#"{"$or":[{"a":["x"]},{"a":["Apple"]}]}"#, true),
        ] {
            assert_eq!(passes(policy, &name), wanted, "{policy}");
        }
        let number = [("n", "Number", "5.0")];
        for (policy, wanted) in [
            (r#"{"n":[5]}"#, true),
            (r#"{"n":[{"numeric":[">=",5,"<",6]}]}"#, true),
            (r#"{"n":[{"numeric":[">",5]}]}"#, false),
            (r#"{"n":[{"numeric":["=",5]}]}"#, true),
        ] {
            assert_eq!(passes(policy, &number), wanted, "{policy}");
        }
        assert!(passes(r#"{"l":["b"]}"#, &[("l", "String.Array", r#"["a","b"]"#)]));
        assert!(!passes(r#"{"l":["b"]}"#, &[("l", "String.Array", "[]")]));
    }

    #[test]
    fn bodies_are_looked_into() {
        let filter = FilterPolicy::parse(r#"{"a":{"b":["x"]}}"#, true).unwrap();
        let none = BTreeMap::new();
        assert!(
            filter.matches(r#"{"a":{"b":"x"}}"#, &none) && filter.matches(r#"{"a":[{"b":"y"},{"b":["x"]}]}"#, &none)
        );
        assert!(!filter.matches(r#"{"a":{"b":"y"}}"#, &none) && !filter.matches("no json", &none));
    }

    #[test]
    fn wrong_policies_are_refused() {
        for wrong in [
            "",
            "[]",
            r#"{"a":"x"}"#,
            r#"{"a":[]}"#,
            r#"{"a":{"b":["x"]}}"#,
            r#"{"a":[{"like":"x"}]}"#,
            r#"{"a":[{"numeric":["<"]}]}"#,
        ] {
            assert!(FilterPolicy::parse(wrong, false).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_policy_panics(policy in ".{0,80}", message in ".{0,40}") {
            if let Ok(filter) = FilterPolicy::parse(&policy, true) {
                let _ = filter.matches(&message, &BTreeMap::new());
            }
        }

        #[test]
        fn a_wildcard_finds_what_it_was_made_from(parts in proptest::collection::vec("[ab]{0,3}", 1..5), fill in "[ab]{0,3}") {
            prop_assert!(wildcard(&parts.join("*"), &parts.join(&fill)));
        }
    }
}
