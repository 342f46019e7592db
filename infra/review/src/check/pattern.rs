//! Filter patterns of CloudWatch Logs, far enough to tell one that Logs would refuse.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html>

/// Characters of a pattern.
const LONGEST: usize = 1024;

/// Why Logs would refuse a pattern, if it certainly would.
pub(super) fn fault(pattern: &str) -> Option<String> {
    if pattern.chars().count() > LONGEST {
        return Some(format!("longer than {LONGEST} characters"));
    }
    let text = pattern.trim();
    match text.chars().next() {
        Some('{') => json(text).err(),
        Some('[') => columns(text).err(),
        _ => terms(text),
    }
}

/// `{ $.a = "b" && ($.c > 1 || $.d NOT EXISTS) }`
fn json(text: &str) -> Result<(), String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let inner = inner.ok_or("the { is not closed")?;
    let mut tokens = Tokens::of(inner)?;
    tokens.any_of()?;
    match tokens.next() {
        None => Ok(()),
        Some(token) => Err(format!("{token} stands where && or || belongs")),
    }
}

/// `[ip, user != "x", status = 4*, ...]`
fn columns(text: &str) -> Result<(), String> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.ok_or("the [ is not closed")?;
    let mut quoted = false;
    for letter in inner.chars() {
        match letter {
            '"' => quoted = !quoted,
            '[' | ']' | '{' | '}' if !quoted => return Err(format!("{letter} stands among the columns")),
            _ => {}
        }
    }
    if quoted { Err("a quotation mark is not closed".to_owned()) } else { Ok(()) }
}

/// `ERROR -"exit code" ?Timeout %regex%`
fn terms(text: &str) -> Option<String> {
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        match letter {
            '\\' => escaped = !escaped,
            '"' if !escaped => quoted = !quoted,
            _ => escaped = false,
        }
    }
    quoted.then(|| "a quotation mark is not closed".to_owned())
}

/// The words of a JSON pattern.
struct Tokens(std::iter::Peekable<std::vec::IntoIter<String>>);

const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

impl Tokens {
    fn of(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => closed(rest, '"')?,
                '%' => closed(rest, '%')?,
                '(' | ')' => 1,
                '&' | '|' if rest.starts_with("&&") || rest.starts_with("||") => 2,
                '&' | '|' => return Err(format!("{first} stands alone")),
                '$' => selector(rest)?,
                _ => match OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
                    Some(operator) => operator.len(),
                    None => rest
                        .find(|letter: char| letter.is_whitespace() || "()&|=<>!\"".contains(letter))
                        .unwrap_or(rest.len())
                        .max(1),
                },
            };
            let (token, after) = rest.split_at(length);
            tokens.push(token.to_owned());
            rest = after.trim_start();
        }
        Ok(Self(tokens.into_iter().peekable()))
    }

    fn next(&mut self) -> Option<String> {
        self.0.next()
    }

    fn take(&mut self, wanted: &str) -> bool {
        self.0.next_if(|token| token == wanted).is_some()
    }

    fn any_of(&mut self) -> Result<(), String> {
        self.all_of()?;
        while self.take("||") {
            self.all_of()?;
        }
        Ok(())
    }

    fn all_of(&mut self) -> Result<(), String> {
        self.one()?;
        while self.take("&&") {
            self.one()?;
        }
        Ok(())
    }

    fn one(&mut self) -> Result<(), String> {
        if self.take("(") {
            self.any_of()?;
            return if self.take(")") { Ok(()) } else { Err("a ( is not closed".to_owned()) };
        }
        let selector = self.next().ok_or("a condition is missing")?;
        if !selector.starts_with('$') {
            return Err(format!("{selector} stands where a selector such as $.name belongs"));
        }
        let operator = self.next().ok_or_else(|| format!("{selector} is compared with nothing"))?;
        let value = |tokens: &mut Self| tokens.next().ok_or_else(|| format!("{selector} {operator} lacks a value"));
        match operator.to_ascii_uppercase().as_str() {
            "EXISTS" => Ok(()),
            "NOT" => match value(self)? {
                word if word.eq_ignore_ascii_case("EXISTS") => Ok(()),
                word => Err(format!("NOT {word}: only NOT EXISTS is known")),
            },
            "IS" => match value(self)? {
                word if ["TRUE", "FALSE", "NULL"].contains(&word.to_ascii_uppercase().as_str()) => Ok(()),
                word => Err(format!("IS {word}: only TRUE, FALSE and NULL are known")),
            },
            symbol if OPERATORS.contains(&symbol) => match value(self)? {
                word if ["(", ")", "&&", "||"].contains(&word.as_str()) || OPERATORS.contains(&word.as_str()) => {
                    Err(format!("{word} stands where a value belongs"))
                }
                _ => Ok(()),
            },
            _ => Err(format!("{operator} is no comparison")),
        }
    }
}

/// How many bytes a text in these marks has.
fn closed(text: &str, mark: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '\\' => escaped = !escaped,
            _ if letter == mark && !escaped => return Ok(at + letter.len_utf8()),
            _ => escaped = false,
        }
    }
    Err(format!("a {mark} is not closed"))
}

/// How many bytes a selector such as `$.a[0].b` or `$['a b']` has.
fn selector(text: &str) -> Result<usize, String> {
    let mut bracket = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '[' if !bracket => bracket = true,
            ']' if bracket => bracket = false,
            _ if bracket => {}
            _ if letter.is_whitespace() || "()&|=<>!".contains(letter) => return check_selector(text, at),
            _ => {}
        }
    }
    if bracket { Err("a [ is not closed".to_owned()) } else { check_selector(text, text.len()) }
}

fn check_selector(text: &str, length: usize) -> Result<usize, String> {
    let selector = text.get(..length).unwrap_or(text);
    let begins = selector.strip_prefix('$').is_some_and(|rest| rest.starts_with(['.', '[']) && rest.len() > 1);
    if begins && !selector.contains("..") && !selector.ends_with('.') {
        Ok(length)
    } else {
        Err(format!("{selector} selects nothing: write $.name"))
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn patterns_of_the_documentation_are_taken() {
        for pattern in [
            "",
            "ERROR",
            "?ERROR ?WARN -\"exit code\"",
            "%AUTHORIZED%",
            "\"[ERROR]\"",
            "[ip, user, username, timestamp, request =*html*, status_code = 4*, bytes, ...]",
            "[w1=ERROR || w1=%WARN%, w2]",
            "{ $.eventType = \"UpdateTrail\" }",
            "{ $.sourceIPAddress != 123.123.* }",
            "{ $.arrayKey[0] = \"value\" }",
            "{ $.objectList[1].id = 2 }",
            "{ $.SomeObject IS NULL }",
            "{ $.SomeOtherObject NOT EXISTS }",
            "{ $.ThisFlag IS TRUE }",
            "{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
            "{($.user.id=2 && $.users[0].email=\"nonmatch\") || $.actions[2]=\"GET\"}",
            "{ $.bandwidth > 75 }",
            "{ $.latency <= 1.5e-3 && $.['a b'] = %^4[0-9]{2}$% }",
            "{ $.errorCode = \"*UnauthorizedOperation\" || $.errorCode = AccessDenied* }",
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_logs_refuses_is_told() {
        for (pattern, said) in [
            ("{ $.signal = \"rate_limited\"", "the { is not closed"),
            ("{ $.signal == \"x\" }", "= stands where a value belongs"),
            ("{ $.signal = }", "$.signal = lacks a value"),
            ("{ signal = \"x\" }", "signal stands where a selector such as $.name belongs"),
            ("{ $signal = \"x\" }", "$signal selects nothing: write $.name"),
            ("{ ($.a = 1 }", "a ( is not closed"),
            ("{ $.a = \"x }", "a \" is not closed"),
            ("{ $.a = 1 & $.b = 2 }", "& stands alone"),
            ("{ $.a = 1 $.b = 2 }", "$.b stands where && or || belongs"),
            ("{ $.a IS SOMETHING }", "IS SOMETHING: only TRUE, FALSE and NULL are known"),
            ("{ }", "a condition is missing"),
            ("[a, b", "the [ is not closed"),
            ("\"ERROR", "a quotation mark is not closed"),
        ] {
            assert_eq!(fault(pattern).as_deref(), Some(said), "{pattern}");
        }
    }
}
