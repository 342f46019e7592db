//! Filter policies: which messages a subscription wants.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Map, Value};

use super::invalid;
use crate::{sqs::MessageAttribute, wire::ApiError};

/// As many keys a policy may have, and as many combinations of its values.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>
const MOST_KEYS: usize = 5;
const MOST_COMBINATIONS: usize = 150;
/// As large a number may be, either way.
const LARGEST: f64 = 1e9;

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
    /// An address in this network.
    Network(Network),
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

fn rules(policy: &Map<String, Value>, body: bool) -> Result<Rules, ApiError> {
    let rule = |(key, value): (&String, &Value)| match value {
        Value::Array(alternatives) if key == "$or" && alternatives.iter().all(Value::is_object) => {
            let each = alternatives.iter().filter_map(Value::as_object).map(|each| rules(each, body));
            each.collect::<Result<_, _>>().map(Rule::Or)
        }
        Value::Array(tests) if tests.is_empty() => Err(wrong("Empty arrays are not allowed")),
        Value::Array(tests) => Ok(Rule::Key(key.clone(), tests.iter().map(test).collect::<Result<_, _>>()?)),
        Value::Object(below) if body => Ok(Rule::Below(key.clone(), rules(below, body)?)),
        _ => Err(wrong(&format!("\"{key}\" must be an object or an array"))),
    };
    policy.iter().map(rule).collect::<Result<_, _>>().map(Rules)
}

fn test(value: &Value) -> Result<Test, ApiError> {
    let Value::Object(operator) = value else {
        return match value {
            Value::Array(_) => Err(wrong("Match value must be String, number, true, false, or null")),
            // This is how SNS answers, whatever it means by it.
            Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() > LARGEST) => {
                Err(ApiError { status: 500, ..ApiError::caller("InternalError", "Unknown") })
            }
            value => Ok(Test::Equal(value.clone())),
        };
    };
    let Some((name, value)) = operator.iter().next().filter(|_| operator.len() == 1) else {
        return Err(wrong("Only one key allowed in match expression"));
    };
    let text = || {
        let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        text.ok_or_else(|| wrong(&format!("{name} match pattern must be a string")))
    };
    Ok(match name.as_str() {
        "prefix" => Test::Prefix(text()?),
        "suffix" => Test::Suffix(text()?),
        "equals-ignore-case" => Test::IgnoreCase(text()?.to_lowercase()),
        "wildcard" => Test::Wildcard(text()?),
        "cidr" => Test::Network(Network::parse(&text()?).ok_or_else(|| wrong("Malformed CIDR"))?),
        "exists" => {
            Test::Exists(value.as_bool().ok_or_else(|| wrong("exists match pattern must be either true or false."))?)
        }
        "numeric" => Test::Numeric(numeric(value)?),
        "anything-but" => Test::AnythingBut(match value {
            Value::Array(values) if values.is_empty() => return Err(wrong("Empty arrays are not allowed")),
            Value::Array(values) => values.iter().map(test).collect::<Result<_, _>>()?,
            // `{"prefix": ["a", "b"]}` stands for either of them.
            Value::Object(operator) if operator.values().any(Value::is_array) => {
                let each = operator.iter().flat_map(|(name, values)| {
                    let values = values.as_array().into_iter().flatten();
                    values.map(move |value| test(&serde_json::json!({ name: value })))
                });
                each.collect::<Result<_, _>>()?
            }
            other => vec![test(other)?],
        }),
        other => return Err(wrong(&format!("Unrecognized match type {other}"))),
    })
}

/// `["=", 1]`, or a range as `[">=", 1, "<", 2]`.
fn numeric(value: &Value) -> Result<Vec<(Compare, f64)>, ApiError> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let [first, rest @ ..] = list else { return Err(numeric_wrong("Invalid member in numeric match: ]")) };
    let (compare, bound, rest) = comparison(first, rest)?;
    let [second, rest @ ..] = rest else { return Ok(vec![(compare, bound)]) };
    let lower = matches!(compare, Compare::Greater | Compare::AtLeast);
    if !lower || rest.len() > 1 {
        return Err(numeric_wrong("Too many elements in numeric expression"));
    }
    let (then, top, _) = comparison(second, rest)?;
    if !matches!(then, Compare::Less | Compare::AtMost) {
        let shown = second.as_str().unwrap_or_default();
        return Err(numeric_wrong(&format!("Bad numeric range operator: {shown}")));
    }
    if bound >= top {
        return Err(numeric_wrong("Bottom must be less than top"));
    }
    Ok(vec![(compare, bound), (then, top)])
}

/// An operator with the number behind it, and what is left.
fn comparison<'a>(operator: &Value, rest: &'a [Value]) -> Result<(Compare, f64, &'a [Value]), ApiError> {
    let Some(name) = operator.as_str() else {
        return Err(numeric_wrong(&format!("Invalid member in numeric match: {operator}")));
    };
    let compare = match name {
        "<" => Compare::Less,
        "<=" => Compare::AtMost,
        "=" => Compare::Equal,
        ">=" => Compare::AtLeast,
        ">" => Compare::Greater,
        other => return Err(numeric_wrong(&format!("Unrecognized numeric range operator: {other}"))),
    };
    let number = rest.first().and_then(Value::as_f64);
    let number = number.ok_or_else(|| numeric_wrong(&format!("Value of {name} must be numeric")))?;
    Ok((compare, number, rest.get(1..).unwrap_or_default()))
}

fn wrong(what: &str) -> ApiError {
    invalid(&format!("FilterPolicy: {what}"))
}

fn numeric_wrong(what: &str) -> ApiError {
    invalid(&format!("Attributes Reason: FilterPolicy: {what}\n at ..."))
}

/// A part of the addresses of the internet.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        (bits <= width(address)).then_some(Self { address, bits })
    }

    fn holds(&self, text: &str) -> bool {
        let Ok(other) = text.parse::<IpAddr>() else { return false };
        let shift = width(self.address) - self.bits;
        let begin = |address: IpAddr| number(address).checked_shr(shift).unwrap_or(0);
        other.is_ipv4() == self.address.is_ipv4() && begin(other) == begin(self.address)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
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
                (Some(wanted), Some(value)) => as_exact(wanted) == as_exact(value),
                _ => wanted == value,
            },
            Self::IgnoreCase(wanted) => value.as_str().is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => value.as_str().is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::Wildcard(pattern) => value.as_str().is_some_and(|text| wildcard(pattern, text)),
            Self::Network(network) => value.as_str().is_some_and(|text| network.holds(text)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(bounds) => {
                value.as_f64().is_some_and(|number| bounds.iter().all(|bound| holds(*bound, number)))
            }
            Self::AnythingBut(tests) => !tests.iter().any(|test| test.fits_one(value)),
        }
    }
}

/// Numbers are compared to five digits behind the point; here they are whole.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/numeric-value-matching.html>
fn as_exact(number: f64) -> f64 {
    (number * 1e5).trunc()
}

#[expect(clippy::float_cmp, reason = "equal numbers are equal, however they are written")]
fn holds((compare, bound): (Compare, f64), number: f64) -> bool {
    let (bound, number) = (as_exact(bound), as_exact(number));
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
