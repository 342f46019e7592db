//! Patterns that JSON values fit or do not: what SNS's filter policies and Lambda's event filters have in common.
//!
//! Sources: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use std::net::IpAddr;

use serde_json::{Map, Value};

/// As large a number may be, either way.
pub(crate) const LARGEST: f64 = 1e9;

/// All of these must hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules(Vec<Rule>);

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

fn rules(policy: &Map<String, Value>, body: bool) -> Result<Rules, String> {
    let rule = |(key, value): (&String, &Value)| match value {
        Value::Array(alternatives) if key == "$or" && alternatives.iter().all(Value::is_object) => {
            let each = alternatives.iter().filter_map(Value::as_object).map(|each| rules(each, body));
            each.collect::<Result<_, _>>().map(Rule::Or)
        }
        Value::Array(tests) if tests.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(tests) => Ok(Rule::Key(key.clone(), tests.iter().map(test).collect::<Result<_, _>>()?)),
        Value::Object(below) if body => Ok(Rule::Below(key.clone(), rules(below, body)?)),
        _ => Err(format!("\"{key}\" must be an object or an array")),
    };
    policy.iter().map(rule).collect::<Result<_, _>>().map(Rules)
}

fn test(value: &Value) -> Result<Test, String> {
    let Value::Object(operator) = value else {
        return match value {
            Value::Array(_) => Err("Match value must be String, number, true, false, or null".to_owned()),
            value => Ok(Test::Equal(value.clone())),
        };
    };
    let Some((name, value)) = operator.iter().next().filter(|_| operator.len() == 1) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    let text = || {
        let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        text.ok_or_else(|| format!("{name} match pattern must be a string"))
    };
    Ok(match name.as_str() {
        "prefix" => Test::Prefix(text()?),
        "suffix" => Test::Suffix(text()?),
        "equals-ignore-case" => Test::IgnoreCase(text()?.to_lowercase()),
        "wildcard" => Test::Wildcard(text()?),
        "cidr" => Test::Network(Network::parse(&text()?).ok_or_else(|| "Malformed CIDR".to_owned())?),
        "exists" => Test::Exists(
            value.as_bool().ok_or_else(|| "exists match pattern must be either true or false.".to_owned())?,
        ),
        "numeric" => Test::Numeric(numeric(value)?),
        "anything-but" => Test::AnythingBut(match value {
            Value::Array(values) if values.is_empty() => return Err("Empty arrays are not allowed".to_owned()),
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
        other => return Err(format!("Unrecognized match type {other}")),
    })
}

/// `["=", 1]`, or a range as `[">=", 1, "<", 2]`.
fn numeric(value: &Value) -> Result<Vec<(Compare, f64)>, String> {
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
fn comparison<'a>(operator: &Value, rest: &'a [Value]) -> Result<(Compare, f64, &'a [Value]), String> {
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

fn numeric_wrong(what: &str) -> String {
    format!("numeric {what}")
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
    /// Reads a pattern; `nested` says whether it may look below a key.
    ///
    /// # Errors
    /// What is wrong with it, in AWS's words; with `numeric ` before them where the words are of a numeric comparison.
    pub(crate) fn read(pattern: &Map<String, Value>, nested: bool) -> Result<Self, String> {
        rules(pattern, nested)
    }

    /// Whether a value fits.
    pub(crate) fn hold(&self, value: &Value) -> bool {
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
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
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
