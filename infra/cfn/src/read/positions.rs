//! Where in a text each value of a template stands.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, Span, Tag};

use super::tags;
use crate::Path;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}

/// Where in a text each key and each item of a list stands.
pub struct Positions(HashMap<Path, Position>);

impl Positions {
    /// The positions of a text that reads as a template.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut found = HashMap::new();
        let mut open: Vec<Level> = Vec::new();
        // JSON is YAML but for its tabs.
        let text = text.replace('\t', " ");
        for (event, span) in Parser::new_from_str(&text).map_while(Result::ok) {
            match event {
                Event::MappingStart(_, tag) => {
                    let path = enter(&mut open, span, tag.as_deref(), &mut found);
                    open.push(Level { path, kind: Kind::Mapping { key: None } });
                }
                Event::SequenceStart(_, tag) => {
                    let path = enter(&mut open, span, tag.as_deref(), &mut found);
                    open.push(Level { path, kind: Kind::Sequence { next: 0 } });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::Scalar(text, ..) => scalar(&mut open, &text, span, &mut found),
                Event::Alias(_) => {
                    enter(&mut open, span, None, &mut found);
                }
                _ => {}
            }
        }
        Self(found)
    }

    /// Where the value at this path stands, or the nearest one around it.
    #[must_use]
    pub fn find(&self, path: &Path) -> Position {
        let around = std::iter::successors(Some(path.clone()), Path::parent);
        let known = around.into_iter().find_map(|path| self.0.get(&path).copied());
        known.unwrap_or(Position { line: 1, column: 1 })
    }
}

/// A mapping or a list that is not closed yet.
struct Level {
    path: Path,
    kind: Kind,
}

enum Kind {
    /// With the key whose value comes next.
    Mapping { key: Option<String> },
    /// With the index of the next item.
    Sequence { next: usize },
}

type Found = HashMap<Path, Position>;

/// A value begins: answers its path, which a short tag makes longer. Items of a list are known by where they begin, others
/// by their key.
fn enter(open: &mut [Level], span: Span, tag: Option<&Tag>, found: &mut Found) -> Path {
    let Some(level) = open.last_mut() else { return Path::default() };
    let path = match &mut level.kind {
        Kind::Mapping { key } => level.path.key(&key.take().unwrap_or_default()),
        Kind::Sequence { next } => {
            let path = level.path.item(*next);
            *next += 1;
            found.insert(path.clone(), position(span));
            path
        }
    };
    match tag.filter(|tag| tag.handle == "!").and_then(|tag| tags::long_name(&tag.suffix)) {
        Some(function) => path.key(&function),
        None => path,
    }
}

fn scalar(open: &mut [Level], text: &str, span: Span, found: &mut Found) {
    if let Some(Level { path, kind: Kind::Mapping { key: key @ None } }) = open.last_mut() {
        found.insert(path.key(text), position(span));
        *key = Some(text.to_owned());
    } else {
        enter(open, span, None, found);
    }
}

fn position(span: Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_items_are_found_and_others_by_what_is_around_them() {
        let yaml = "A:\n  b.c: 1\n  D: !If\n    - x\n    - {E: 1}\n";
        let json = "{\"A\": {\n\t\"b.c\": 1,\n\t\"D\": {\"Fn::If\": [\n\t\t\"x\",\n\t\t{\"E\": 1}]}}}";
        let at = Path::default().key("A");
        let inside = at.key("D").key("Fn::If").item(1).key("E");
        for (path, in_yaml, in_json) in [
            (at.clone(), (1, 1), (1, 2)),
            (at.key("b.c"), (2, 3), (2, 2)),
            (inside.clone(), (5, 8), (5, 4)),
            (inside.key("gone").item(3), (5, 8), (5, 4)),
            (Path::default(), (1, 1), (1, 1)),
        ] {
            for (text, (line, column)) in [(yaml, in_yaml), (json, in_json)] {
                assert_eq!(Positions::of(text).find(&path), Position { line, column }, "{path}");
            }
        }
    }
}
