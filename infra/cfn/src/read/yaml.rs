//! YAML to plain data, with bounds on depth and on what aliases may unfold to.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value as Json};

use super::{ReadError, tags};

/// Deeper nesting is refused; `serde_json` has the same bound.
const MAX_DEPTH: usize = 128;
/// More than any template of 1 MB can hold is refused, so that aliases cannot multiply without end. A value weighs one, and
/// one more for each ten bytes of its text.
const MAX_WEIGHT: usize = 1_000_000;
const BYTES_OF_ONE: usize = 10;

pub(super) fn parse(text: &str) -> Result<Json, ReadError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), weight: 0 };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Err(error(span, "the file is empty")),
            first => {
                let (value, _) = reader.value(first, span, 0)?;
                reader.end()?;
                return Ok(value);
            }
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
    /// Each anchor's value and its weight.
    anchors: HashMap<usize, (Json, usize)>,
    weight: usize,
}

impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), ReadError> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(scan)) => Err(scan_error(&scan)),
            None => Err(ReadError::Syntax { line: 1, column: 1, reason: "the file ends too early".to_owned() }),
        }
    }

    /// Nothing may follow the first document: CloudFormation takes one, and nobody would notice the others were not read.
    fn end(&mut self) -> Result<(), ReadError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), span) => {
                    return Err(error(span, "a second document begins here, and a template is one document"));
                }
                _ => {}
            }
        }
    }

    /// Reads the value that begins with `event`; answers it and its weight.
    fn value(&mut self, event: Event<'input>, span: Span, depth: usize) -> Result<(Json, usize), ReadError> {
        if depth > MAX_DEPTH {
            return Err(error(span, "nested deeper than 128 levels"));
        }
        let (anchor, tag, (value, weight)) = match event {
            Event::Alias(id) => {
                let known = self.anchors.get(&id).cloned();
                let (value, weight) = known.ok_or_else(|| error(span, "an alias inside its own anchor"))?;
                self.weigh(weight, span)?;
                return Ok((value, weight));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let weight = weight(&text);
                self.weigh(weight, span)?;
                (anchor, tag.clone(), (scalar(&text, style, tag.as_deref()), weight))
            }
            Event::SequenceStart(anchor, tag) => (anchor, tag, self.sequence(depth)?),
            Event::MappingStart(anchor, tag) => (anchor, tag, self.mapping(span, depth)?),
            _ => return Err(error(span, "a value is missing")),
        };
        let value = match tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty()) {
            Some(tag) => tags::expand(&tag.suffix, value)
                .ok_or_else(|| error(span, &format!("CloudFormation knows no tag !{}", tag.suffix)))?,
            None => value,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), weight));
        }
        Ok((value, weight))
    }

    fn sequence(&mut self, depth: usize) -> Result<(Json, usize), ReadError> {
        let (mut items, mut weight) = (Vec::new(), 1);
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok((Json::Array(items), weight)),
                (event, span) => {
                    let (item, inner) = self.value(event, span, depth + 1)?;
                    items.push(item);
                    weight += inner;
                }
            }
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<(Json, usize), ReadError> {
        let (mut entries, mut all) = (Map::new(), 1);
        let mut bases = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => {
                    bases.into_iter().try_for_each(|base| merge(&mut entries, base, start))?;
                    return Ok((Json::Object(entries), all));
                }
                // A key is its text, whatever YAML takes it for: `80`, `on` and `2010-09-09` are names here.
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(error(span, "a key must be a plain text")),
            };
            let (event, at) = self.next()?;
            let (value, inner) = self.value(event, at, depth + 1)?;
            all += inner + weight(&key);
            self.weigh(weight(&key), span)?;
            if key == "<<" {
                bases.push(value);
            } else if entries.insert(key.clone(), value).is_some() {
                return Err(error(span, &format!("the key {key} stands here twice")));
            }
        }
    }

    fn weigh(&mut self, weight: usize, span: Span) -> Result<(), ReadError> {
        self.weight += weight;
        if self.weight > MAX_WEIGHT {
            return Err(error(span, "this unfolds to more than any template of 1 MB can hold"));
        }
        Ok(())
    }
}

fn weight(text: &str) -> usize {
    1 + text.len() / BYTES_OF_ONE
}

/// `<<: *base` gives the keys of `base` that the mapping does not have itself; of a list of bases, the first counts most.
fn merge(entries: &mut Map<String, Json>, base: Json, span: Span) -> Result<(), ReadError> {
    match base {
        Json::Object(base) => {
            for (key, value) in base {
                entries.entry(key).or_insert(value);
            }
            Ok(())
        }
        Json::Array(bases) => bases.into_iter().try_for_each(|base| merge(entries, base, span)),
        _ => Err(error(span, "<< takes a mapping, or a list of mappings")),
    }
}

/// A scalar as YAML 1.1 readers, AWS's among them, understand it.
///
/// Dates, times (`12:30:45`, a number to base 60 in YAML 1.1), numbers with a leading zero (an account, mostly), with `0x`
/// or with `_` stay text: CloudFormation passes on what was written, and no property wants the other reading.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Json {
    let as_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || as_text {
        return Json::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Json::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Json::Bool(false),
        _ => {}
    }
    number(text).unwrap_or_else(|| Json::String(text.to_owned()))
}

fn number(text: &str) -> Option<Json> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        return if leading_zero { None } else { text.parse::<i64>().ok().map(Json::from) };
    }
    // YAML 1.1 wants a point, and a sign before an exponent: `1e3` and `1.5e3` are text.
    let (whole, rest) = digits.split_once('.')?;
    let (fraction, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(left, right)| (left, Some(right)));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let signed = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| !digits.is_empty() && all_digits(digits))
    });
    let is_real = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && signed;
    let real = is_real.then(|| text.parse::<f64>().ok()).flatten()?;
    serde_json::Number::from_f64(real).map(Json::Number)
}

fn error(span: Span, reason: &str) -> ReadError {
    ReadError::Syntax { line: span.start.line(), column: span.start.col() + 1, reason: reason.to_owned() }
}

fn scan_error(scan: &ScanError) -> ReadError {
    let marker = scan.marker();
    ReadError::Syntax { line: marker.line(), column: marker.col() + 1, reason: scan.info().to_owned() }
}
