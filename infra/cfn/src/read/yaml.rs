//! YAML to plain data, with bounds on depth and on what aliases may unfold to.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value as Json};

use super::{ReadError, tags};

/// Deeper nesting is refused; `serde_json` has the same bound.
const MAX_DEPTH: usize = 128;
/// More values than any template of 1 MB can hold are refused, so that aliases cannot multiply without end.
const MAX_VALUES: usize = 1_000_000;

pub(super) fn parse(text: &str) -> Result<Json, ReadError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), values: 0 };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Err(error(span, "the file is empty")),
            first => return reader.value(first, span, 0).map(|(value, _)| value),
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
    /// Each anchor's value and how many values it holds.
    anchors: HashMap<usize, (Json, usize)>,
    values: usize,
}

impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), ReadError> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(scan)) => Err(scan_error(&scan)),
            None => Err(ReadError::Syntax { line: 1, column: 1, reason: "the file ends too early".to_owned() }),
        }
    }

    /// Reads the value that begins with `event`; answers it and how many values it holds.
    fn value(&mut self, event: Event<'input>, span: Span, depth: usize) -> Result<(Json, usize), ReadError> {
        if depth > MAX_DEPTH {
            return Err(error(span, "nested deeper than 128 levels"));
        }
        let (anchor, tag, (value, size)) = match event {
            Event::Alias(id) => {
                let known = self.anchors.get(&id).cloned();
                let (value, size) = known.ok_or_else(|| error(span, "an alias inside its own anchor"))?;
                self.count(size, span)?;
                return Ok((value, size));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                (anchor, tag.clone(), (scalar(&text, style, tag.as_deref()), 1))
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
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok((value, size))
    }

    fn sequence(&mut self, depth: usize) -> Result<(Json, usize), ReadError> {
        let (mut items, mut size) = (Vec::new(), 1);
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok((Json::Array(items), size)),
                (event, span) => {
                    let (item, inner) = self.value(event, span, depth + 1)?;
                    items.push(item);
                    size += inner;
                }
            }
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<(Json, usize), ReadError> {
        let (mut entries, mut size) = (Map::new(), 1);
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok((Json::Object(entries), size)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(error(span, "a key must be a plain text")),
            };
            let (event, at) = self.next()?;
            let (value, inner) = self.value(event, at, depth + 1)?;
            size += inner;
            if key == "<<" {
                merge(&mut entries, value, start)?;
            } else if entries.insert(key.clone(), value).is_some() {
                return Err(error(span, &format!("the key {key} stands here twice")));
            }
        }
    }

    fn count(&mut self, size: usize, span: Span) -> Result<(), ReadError> {
        self.values += size;
        if self.values > MAX_VALUES {
            return Err(error(span, "aliases unfold to more than a million values"));
        }
        Ok(())
    }
}

/// `<<: *base` gives the keys of `base` that the mapping does not have itself.
fn merge(entries: &mut Map<String, Json>, base: Json, span: Span) -> Result<(), ReadError> {
    let Json::Object(base) = base else { return Err(error(span, "<< takes a mapping")) };
    for (key, value) in base {
        entries.entry(key).or_insert(value);
    }
    Ok(())
}

/// A scalar as YAML 1.1 readers, AWS's among them, understand it. Dates and numbers with a leading zero stay text.
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
    let digits = text.trim_start_matches(['-', '+']);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let starts_well = digits.starts_with(|first: char| first.is_ascii_digit());
    if leading_zero || !starts_well || !digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let real = text.contains('.').then(|| text.parse::<f64>().ok()).flatten()?;
    serde_json::Number::from_f64(real).map(Json::Number)
}

fn error(span: Span, reason: &str) -> ReadError {
    ReadError::Syntax { line: span.start.line(), column: span.start.col() + 1, reason: reason.to_owned() }
}

fn scan_error(scan: &ScanError) -> ReadError {
    let marker = scan.marker();
    ReadError::Syntax { line: marker.line(), column: marker.col() + 1, reason: scan.info().to_owned() }
}
