//! YAML with positions: where each key stands.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, Span};

/// Where each key of a YAML text stands, by its path, such as `domain.name` or `api.allowed_origins.0`.
pub(super) struct Positions(HashMap<String, (usize, usize)>);

impl Positions {
    /// Reads the positions of a text that is known to parse.
    pub(super) fn of(text: &str) -> Self {
        let mut found = HashMap::new();
        let mut open: Vec<Level> = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            match event {
                Event::MappingStart(..) => {
                    let path = enter(&mut open, span, &mut found);
                    open.push(Level { path, kind: Kind::Mapping { key: None } });
                }
                Event::SequenceStart(..) => {
                    let path = enter(&mut open, span, &mut found);
                    open.push(Level { path, kind: Kind::Sequence { next: 0 } });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::Scalar(text, ..) => scalar(&mut open, &text, span, &mut found),
                Event::Alias(_) => {
                    enter(&mut open, span, &mut found);
                }
                _ => {}
            }
        }
        Self(found)
    }

    /// Line and column, from 1, of the key or of the nearest one above it.
    pub(super) fn find(&self, key: &str) -> (usize, usize) {
        let mut path = key;
        loop {
            match (self.0.get(path), path.rsplit_once('.')) {
                (Some(position), _) => return *position,
                (None, Some((above, _))) => path = above,
                (None, None) => return (1, 1),
            }
        }
    }
}

struct Level {
    path: String,
    kind: Kind,
}

enum Kind {
    /// With the key whose value comes next.
    Mapping { key: Option<String> },
    /// With the index of the next item.
    Sequence { next: usize },
}

type Found = HashMap<String, (usize, usize)>;

/// A value begins: answers its path. Items of a sequence are known by where they begin, others by their key.
fn enter(open: &mut [Level], span: Span, found: &mut Found) -> String {
    let Some(level) = open.last_mut() else { return String::new() };
    match &mut level.kind {
        Kind::Mapping { key } => join(&level.path, &key.take().unwrap_or_default()),
        Kind::Sequence { next } => {
            let path = join(&level.path, &next.to_string());
            *next += 1;
            found.insert(path.clone(), position(span));
            path
        }
    }
}

fn scalar(open: &mut [Level], text: &str, span: Span, found: &mut Found) {
    if let Some(Level { path, kind: Kind::Mapping { key: key @ None } }) = open.last_mut() {
        found.insert(join(path, text), position(span));
        *key = Some(text.to_owned());
    } else {
        enter(open, span, found);
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn position(span: Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

#[cfg(test)]
mod tests {
    use super::Positions;

    #[test]
    fn keys_and_items_are_found_and_unknown_ones_fall_back_upwards() {
        let positions = Positions::of("a:\n  b: 1\n  c:\n    - x\n    - y: 2\nd: {e: 3}\n");
        for (path, place) in [
            ("a", (1, 1)),
            ("a.b", (2, 3)),
            ("a.c.0", (4, 7)),
            ("a.c.1.y", (5, 7)),
            ("d.e", (6, 5)),
            ("a.c.7", (3, 3)),
            ("z", (1, 1)),
        ] {
            assert_eq!(positions.find(path), place, "{path}");
        }
    }
}
