//! Filter patterns of log lines: plain words, and JSON with comparisons.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

use serde_json::Value;

/// Which log lines are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPattern(Pattern);

#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    Words {
        /// All of these stand in the line.
        all: Vec<String>,
        /// One of these stands in the line.
        any: Vec<String>,
        /// None of these stands in the line.
        none: Vec<String>,
    },
    Json(Condition),
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare(Vec<Step>, Compare),
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Item(usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Compare {
    /// A text with `*` for any letters; `false` where it must not fit.
    Text(String, bool),
    Number(Order, f64),
    Is(Value),
    NotExists,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// As deep parentheses may be.
const DEEPEST: usize = 32;

impl FilterPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is none, or one by columns or regular expressions, which are not played here.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('[') || text.starts_with('%') {
            return Err(format!("{text}: patterns by columns and by regular expressions are not played here"));
        }
        let Some(inner) = text.strip_prefix('{') else { return words(text).map(Self) };
        let inner = inner.strip_suffix('}').ok_or_else(|| format!("{text}: the closing brace is missing"))?;
        let tokens = tokens(inner)?;
        let mut reader = Reader { tokens: &tokens, depth: 0 };
        let condition = reader.any().ok_or_else(|| format!("{text} is no filter pattern"))?;
        if !reader.tokens.is_empty() {
            return Err(format!("{text} is no filter pattern"));
        }
        Ok(Self(Pattern::Json(condition)))
    }

    /// Whether a line is wanted.
    #[must_use]
    pub fn fits(&self, line: &str) -> bool {
        match &self.0 {
            Pattern::Words { all, any, none } => {
                let has = |word: &String| line.contains(word.as_str());
                all.iter().all(has) && !none.iter().any(has) && (any.is_empty() || any.iter().any(has))
            }
            Pattern::Json(condition) => {
                let value = serde_json::from_str::<Value>(line).ok().filter(Value::is_object);
                value.is_some_and(|value| condition.holds(&value))
            }
        }
    }
}

/// `word`, `"a phrase"`, `?either`, `-not`.
fn words(text: &str) -> Result<Pattern, String> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, after) = match rest.split_at_checked(1) {
            Some(("?", after)) if !after.is_empty() => ('?', after),
            Some(("-", after)) if !after.is_empty() => ('-', after),
            _ => (' ', rest),
        };
        let (word, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(|| format!("{text}: a quotation mark is missing"))?,
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        match kind {
            '?' => any.push(word.to_owned()),
            '-' => none.push(word.to_owned()),
            _ => all.push(word.to_owned()),
        }
        rest = after.trim_start();
    }
    Ok(Pattern::Words { all, any, none })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(&'static str),
    Selector(Vec<Step>),
    Quoted(String),
    Bare(String),
}

const SIGNS: [&str; 10] = ["&&", "||", "!=", "<=", ">=", "=", "<", ">", "(", ")"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let after = if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest.get(sign.len()..).unwrap_or_default()
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (value, after) =
                quoted.split_once('"').ok_or_else(|| format!("{text}: a quotation mark is missing"))?;
            tokens.push(Token::Quoted(value.to_owned()));
            after
        } else {
            let ends = |letter: char| letter.is_whitespace() || "=!<>()&|\"".contains(letter);
            let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            if word.is_empty() {
                return Err(format!("{rest} is no part of a filter pattern"));
            }
            tokens.push(match word.strip_prefix('$') {
                Some(path) => Token::Selector(selector(path).ok_or_else(|| format!("{word} selects nothing"))?),
                None => Token::Bare(word.to_owned()),
            });
            after
        };
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// `.field`, `.field.field`, `.field[0]`.
fn selector(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for part in path.strip_prefix('.')?.split('.') {
        let mut pieces = part.split('[');
        steps.push(Step::Field(pieces.next().filter(|name| !name.is_empty())?.to_owned()));
        for piece in pieces {
            steps.push(Step::Item(piece.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(steps)
}

struct Reader<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<Condition> {
        let mut all = vec![self.all()?];
        while self.takes("||") {
            all.push(self.all()?);
        }
        Some(Condition::Any(all))
    }

    fn all(&mut self) -> Option<Condition> {
        let mut all = vec![self.one()?];
        while self.takes("&&") {
            all.push(self.one()?);
        }
        Some(Condition::All(all))
    }

    fn one(&mut self) -> Option<Condition> {
        if self.takes("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return None;
            }
            let inner = self.any()?;
            self.depth -= 1;
            return self.takes(")").then_some(inner);
        }
        let Token::Selector(steps) = self.next()? else { return None };
        Some(Condition::Compare(steps, self.comparison()?))
    }

    fn comparison(&mut self) -> Option<Compare> {
        match self.next()? {
            Token::Bare(word) if word.eq_ignore_ascii_case("NOT") => {
                let exists = self.next()? == Token::Bare("EXISTS".to_owned());
                exists.then_some(Compare::NotExists)
            }
            Token::Bare(word) if word.eq_ignore_ascii_case("IS") => match self.next()? {
                Token::Bare(word) => match word.to_ascii_uppercase().as_str() {
                    "NULL" => Some(Compare::Is(Value::Null)),
                    "TRUE" => Some(Compare::Is(Value::Bool(true))),
                    "FALSE" => Some(Compare::Is(Value::Bool(false))),
                    _ => None,
                },
                _ => None,
            },
            Token::Sign(sign) => {
                let order = match sign {
                    "=" => Order::Equal,
                    "!=" => Order::NotEqual,
                    "<" => Order::Less,
                    "<=" => Order::AtMost,
                    ">" => Order::Greater,
                    ">=" => Order::AtLeast,
                    _ => return None,
                };
                let text = match self.next()? {
                    Token::Bare(word) => match word.parse::<f64>() {
                        Ok(number) => return Some(Compare::Number(order, number)),
                        Err(_) => word,
                    },
                    Token::Quoted(text) => text,
                    _ => return None,
                };
                // Texts have no order.
                let equal = [(Order::Equal, true), (Order::NotEqual, false)];
                let (_, equal) = equal.into_iter().find(|(known, _)| *known == order)?;
                Some(Compare::Text(text, equal))
            }
            _ => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn takes(&mut self, sign: &str) -> bool {
        match self.tokens.split_first() {
            Some((Token::Sign(first), rest)) if *first == sign => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(value)),
            Self::Any(all) => all.iter().any(|one| one.holds(value)),
            Self::Compare(steps, compare) => {
                let found = steps.iter().try_fold(value, |value, step| match step {
                    Step::Field(name) => value.get(name),
                    Step::Item(at) => value.get(at),
                });
                match (compare, found) {
                    (Compare::NotExists, found) => found.is_none(),
                    (_, None) => false,
                    (compare, Some(found)) => compare.holds(found),
                }
            }
        }
    }
}

impl Compare {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::NotExists => false,
            Self::Is(wanted) => value == wanted,
            Self::Text(pattern, equal) => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Null | Value::Array(_) | Value::Object(_) => return false,
                    other => other.to_string(),
                };
                crate::pattern::wildcard(pattern, &text) == *equal
            }
            Self::Number(order, wanted) => {
                let number = value.as_f64();
                number.is_some_and(|number| {
                    let compared = number.total_cmp(wanted);
                    match order {
                        Order::Equal => compared.is_eq(),
                        Order::NotEqual => compared.is_ne(),
                        Order::Less => compared.is_lt(),
                        Order::AtMost => compared.is_le(),
                        Order::Greater => compared.is_gt(),
                        Order::AtLeast => compared.is_ge(),
                    }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_of_the_documentation() {
        let line =
            r#"{"kind":"Error","time":1.5,"user":{"id":7,"name":"John Doe"},"list":["a","b"],"none":null,"yes":true}"#;
        for (pattern, wanted) in [
            ("", true),
            ("Error", true),
            ("Error missing", false),
            ("?missing ?Error", true),
            ("Error -John", false),
            ("\"John Doe\"", true),
            (r#"{ $.kind = "Error" }"#, true),
            (r#"{ $.kind = "E*r" }"#, true),
            (r#"{ $.kind != "Error" }"#, false),
            ("{ $.kind = Error }", true),
            ("{ $.time >= 1.5 && $.user.id = 7 }", true),
            ("{ $.time < 1 || $.user.id > 6 }", true),
            ("{ ($.time < 1 || $.user.id > 6) && $.kind = x }", false),
            (r#"{ $.list[1] = "b" }"#, true),
            ("{ $.none IS NULL }", true),
            ("{ $.yes IS TRUE }", true),
            ("{ $.gone NOT EXISTS }", true),
            ("{ $.user.id = * }", true),
            ("{ $.gone = * }", false),
        ] {
            assert_eq!(FilterPattern::parse(pattern).map(|pattern| pattern.fits(line)), Ok(wanted), "{pattern}");
        }
        assert!(!FilterPattern::parse("{ $.a = * }").unwrap().fits("no json"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["{ $.a = ", "{ $.a }", "{ a = 1 }", "{ $.a < b }", "[a, b]", "%a%", "\"open", "{ $ = 1 }", "{ }"]
        {
            assert!(FilterPattern::parse(wrong).is_err(), "{wrong}");
        }
        assert!(FilterPattern::parse(&format!("{{{}$.a = 1", "(".repeat(100_000))).is_err());
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in ".{0,60}", line in ".{0,60}") {
            if let Ok(pattern) = FilterPattern::parse(&pattern) {
                let _ = pattern.fits(&line);
            }
        }
    }
}
