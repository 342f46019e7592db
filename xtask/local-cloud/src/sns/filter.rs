//! Filter policies: which messages a subscription wants.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::sqs::MessageAttribute;

/// A filter policy, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FilterPolicy {
    rules: Rules,
    /// Whether it looks at the body, and not at the attributes.
    body: bool,
}

/// All of these must hold.
#[derive(Clone, Debug, PartialEq)]
struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// The value of this key fits one of these.
    Key(String, Vec<Test>),
    /// Below this key these hold; only in bodies.
    Below(String, Rules),
    /// One of these holds.
    Or(Vec<Rules>),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Equal(Value),
    IgnoreCase(String),
    Prefix(String),
    Suffix(String),
    Wildcard(String),
    Exists(bool),
    Numeric(Vec<(Compare, f64)>),
    /// None of these holds, and there is a value.
    AnythingBut(Vec<Test>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

impl FilterPolicy {
    /// Reads a policy.
    pub(crate) fn parse(text: &str, body: bool) -> Result<Self, String> {
        let policy: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let policy = policy.as_object().ok_or("it must be an object")?;
        Ok(Self { rules: rules(policy, body)?, body })
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

fn rules(policy: &Map<String, Value>, body: bool) -> Result<Rules, String> {
    let rule = |(key, value): (&String, &Value)| match value {
        Value::Array(alternatives) if key == "$or" && alternatives.iter().all(Value::is_object) => {
            let each = alternatives.iter().filter_map(Value::as_object).map(|each| rules(each, body));
            each.collect::<Result<_, _>>().map(Rule::Or)
        }
        Value::Array(tests) if tests.is_empty() => Err(format!("{key} has an empty list")),
        Value::Array(tests) => {
            let tests = tests.iter().map(|value| test(key, value));
            Ok(Rule::Key(key.clone(), tests.collect::<Result<_, _>>()?))
        }
        Value::Object(below) if body => Ok(Rule::Below(key.clone(), rules(below, body)?)),
        _ => Err(format!("{key} must have a list of values")),
    };
    policy.iter().map(rule).collect::<Result<_, _>>().map(Rules)
}

fn test(key: &str, value: &Value) -> Result<Test, String> {
    let Value::Object(operator) = value else {
        return if value.is_array() {
            Err(format!("{key} has a list in its list"))
        } else {
            Ok(Test::Equal(value.clone()))
        };
    };
    let Some((name, value)) = operator.iter().next().filter(|_| operator.len() == 1) else {
        return Err(format!("{key} needs one operator in each object"));
    };
    let text = || value.as_str().map(str::to_owned).ok_or_else(|| format!("{key}: {name} takes a text"));
    Ok(match name.as_str() {
        "prefix" => Test::Prefix(text()?),
        "suffix" => Test::Suffix(text()?),
        "equals-ignore-case" => Test::IgnoreCase(text()?.to_lowercase()),
        "wildcard" => Test::Wildcard(text()?),
        "exists" => Test::Exists(value.as_bool().ok_or_else(|| format!("{key}: exists takes true or false"))?),
        "numeric" => Test::Numeric(numeric(key, value)?),
        "anything-but" => Test::AnythingBut(match value {
            Value::Array(values) if values.is_empty() => return Err(format!("{key} has an empty list")),
            Value::Array(values) => values.iter().map(|value| test(key, value)).collect::<Result<_, _>>()?,
            other => vec![test(key, other)?],
        }),
        other => return Err(format!("{key}: there is no operator {other} here")),
    })
}

/// `["=", 1]`, or a range as `[">=", 1, "<", 2]`.
fn numeric(key: &str, value: &Value) -> Result<Vec<(Compare, f64)>, String> {
    let wrong = || format!("{key}: numeric takes operators and numbers by turns");
    let list = value.as_array().filter(|list| list.len() == 2 || list.len() == 4).ok_or_else(wrong)?;
    let pairs = list.chunks(2).map(|pair| {
        let compare = match pair.first().and_then(Value::as_str)? {
            "<" => Compare::Less,
            "<=" => Compare::AtMost,
            "=" => Compare::Equal,
            ">=" => Compare::AtLeast,
            ">" => Compare::Greater,
            _ => return None,
        };
        Some((compare, pair.get(1)?.as_f64()?))
    });
    pairs.collect::<Option<_>>().ok_or_else(wrong)
}

impl Rules {
    fn hold(&self, value: &Value) -> bool {
        self.0.iter().all(|rule| match rule {
            Rule::Key(key, tests) => tests.iter().any(|test| test.fits(value.get(key))),
            Rule::Below(key, rules) => match value.get(key) {
                Some(Value::Array(items)) => items.iter().any(|item| rules.hold(item)),
                Some(inner) => rules.hold(inner),
                None => rules.hold(&Value::Null),
            },
            Rule::Or(alternatives) => alternatives.iter().any(|rules| rules.hold(value)),
        })
    }
}

impl Test {
    /// Of a list any item may fit; of nothing only its absence does.
    fn fits(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => *wanted == value.is_some(),
            (_, None) => false,
            (Self::AnythingBut(tests), Some(Value::Array(items))) => {
                items.iter().any(|item| !tests.iter().any(|test| test.fits_one(item)))
            }
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.fits_one(item)),
            (_, Some(value)) => self.fits_one(value),
        }
    }

    fn fits_one(&self, value: &Value) -> bool {
        match self {
            Self::Equal(wanted) => match (wanted.as_f64(), value.as_f64()) {
                #[expect(clippy::float_cmp, reason = "equal numbers are equal, however they are written")]
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
            Self::IgnoreCase(wanted) => value.as_str().is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => value.as_str().is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::Wildcard(pattern) => value.as_str().is_some_and(|text| wildcard(pattern, text)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(bounds) => {
                value.as_f64().is_some_and(|number| bounds.iter().all(|bound| holds(*bound, number)))
            }
            Self::AnythingBut(tests) => !tests.iter().any(|test| test.fits_one(value)),
        }
    }
}

#[expect(clippy::float_cmp, reason = "equal numbers are equal, however they are written")]
fn holds((compare, bound): (Compare, f64), number: f64) -> bool {
    match compare {
        Compare::Less => number < bound,
        Compare::AtMost => number <= bound,
        Compare::Equal => number == bound,
        Compare::AtLeast => number >= bound,
        Compare::Greater => number > bound,
    }
}

/// Whether a text fits a pattern in which `*` stands for any letters. The parts between stars are found from left to right,
/// each as early as it can be, which needs no going back.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
