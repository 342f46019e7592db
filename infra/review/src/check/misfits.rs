//! What in a template does not fit AWS's own description of its resource types: one walk answers all rules of `schema`.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde_json::{Map as JsonMap, Value as Json};

use super::{Fault, kinds};
use cfn::view::{
    Field, TemplateView,
    text::{Text, function, function_name, is_dynamic},
};
use cfn::{
    Trail,
    schema::{self, Group, List, Map, Number, Object, Shape, Whole},
};

/// What a rule asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Unknown,
    Missing,
    Type,
    Choice,
    Form,
    Range,
    Count,
    Group,
    Kind,
}

/// Something that does not fit, with the rule that says so.
pub(super) type Misfit = (Asked, Fault);

struct Walk<'a, 'f> {
    view: &'f TemplateView<'a>,
    found: Vec<Misfit>,
}

/// What does not fit AWS's schemas: one walk answers all the rules.
pub(super) fn misfits(view: &TemplateView<'_>) -> Vec<Misfit> {
    let mut walk = Walk { view, found: Vec::new() };
    let start = Trail::Start;
    let resources = start.key("Resources");
    for thing in view.resources() {
        if let Some(schema) = schema::of(&thing.resource.kind) {
            let resource = resources.key(thing.id.as_str());
            walk.object(&thing.resource.properties, schema.properties, &resource.key("Properties"));
        }
    }
    walk.found
}

impl Walk<'_, '_> {
    fn say(&mut self, asked: Asked, path: &Trail<'_>, message: impl FnOnce() -> String) {
        self.found.push((asked, Fault::new(path.path(), message())));
    }

    fn value(&mut self, value: &Json, shape: &Shape, path: &Trail<'_>) {
        if let Some((name, argument)) = value.as_object().and_then(function).filter(|(name, _)| *name != "Condition") {
            return self.function(value, name, argument, shape, path);
        }
        // What a dynamic reference gives is known when it is resolved.
        if value.as_str().is_some_and(is_dynamic) {
            return;
        }
        match shape {
            Shape::Text(text) => self.text(value, text, path),
            Shape::Whole(whole) => self.whole(value, whole, path),
            Shape::Number(number) => self.number(value, number, path),
            Shape::Bool => {
                let fits = value.is_boolean()
                    || value
                        .as_str()
                        .is_some_and(|text| ["true", "false"].contains(&text.to_ascii_lowercase().as_str()));
                self.unless(fits, value, "true or false", path);
            }
            Shape::Json => self.unless(value.is_object() || value.is_string(), value, "an object", path),
            Shape::Any => {}
            Shape::List(list) => match value {
                Json::Array(items) => self.list(items, list, path),
                _ => self.unless(false, value, "a list", path),
            },
            Shape::Map(map) => match value {
                Json::Object(entries) => self.map(entries, map, path),
                _ => self.unless(false, value, "an object", path),
            },
            Shape::Object(object) => match value {
                Json::Object(entries) => self.object(entries, object, path),
                _ => self.unless(false, value, "an object", path),
            },
        }
    }

    /// A function gives what only the deployment knows, but for its literal parts.
    fn function(&mut self, whole: &Json, name: &str, argument: &Json, shape: &Shape, path: &Trail<'_>) {
        match (name, shape) {
            ("Fn::If", _) => {
                for (at, branch) in argument.as_array().into_iter().flatten().enumerate().skip(1) {
                    // `AWS::NoValue` is nothing at all.
                    if matches!(Field::of(branch), Field::Absent) {
                        continue;
                    }
                    self.value(branch, shape, &path.key(name).item(at));
                }
            }
            (_, Shape::Text(text)) => {
                if let Some(said) = kinds::wrong_kind(self.view, whole, text.formats) {
                    self.say(Asked::Kind, path, || said);
                }
                if matches!(name, "Fn::Sub" | "Fn::Join" | "Fn::Select")
                    && let Some(literal) = Text::of(whole).literal()
                {
                    self.form(literal, text, path);
                }
            }
            _ => {}
        }
    }

    fn unless(&mut self, fits: bool, value: &Json, wanted: &str, path: &Trail<'_>) {
        if !fits {
            self.say(Asked::Type, path, || format!("{} where {wanted} belongs", kind_of(value)));
        }
    }

    fn text(&mut self, value: &Json, text: &schema::Text, path: &Trail<'_>) {
        match value {
            Json::String(literal) => self.literal(literal, text, path),
            Json::Number(number) => self.literal(&number.to_string(), text, path),
            Json::Bool(truth) => self.literal(&truth.to_string(), text, path),
            _ => self.unless(false, value, "a text", path),
        }
    }

    fn literal(&mut self, literal: &str, text: &schema::Text, path: &Trail<'_>) {
        // Where there is a pattern, it says as much.
        if text.pattern.is_none()
            && let Some(said) = kinds::wrong_literal(literal, text.formats)
        {
            self.say(Asked::Kind, path, || said);
        }
        self.form(literal, text, path);
    }

    fn form(&mut self, literal: &str, text: &schema::Text, path: &Trail<'_>) {
        if !text.one_of.is_empty() {
            if !text.one_of.contains(&literal) {
                self.say(Asked::Choice, path, || format!("{literal} is not one of {}", text.one_of.join(", ")));
            }
            return;
        }
        let length = literal.chars().count();
        if text.min.is_some_and(|min| length < min as usize) || text.max.is_some_and(|max| length > max as usize) {
            let range = range(text.min.map(i64::from), text.max.map(i64::from));
            self.say(Asked::Form, path, || format!("{length} characters, taken: {range}"));
        } else if text.pattern.is_some_and(|pattern| !fits(pattern, literal)) {
            let pattern = text.pattern.unwrap_or_default();
            self.say(Asked::Form, path, || format!("{literal} does not match {pattern}"));
        }
    }

    fn whole(&mut self, value: &Json, whole: &Whole, path: &Trail<'_>) {
        let Some(number) = cfn::view::text::whole(value).or_else(|| whole_real(value)) else {
            return self.unless(false, value, "a whole number", path);
        };
        if !whole.one_of.is_empty() {
            if !whole.one_of.contains(&number) {
                let known: Vec<String> = whole.one_of.iter().map(ToString::to_string).collect();
                self.say(Asked::Choice, path, || format!("{number} is not one of {}", known.join(", ")));
            }
        } else if whole.min.is_some_and(|min| number < min) || whole.max.is_some_and(|max| number > max) {
            let range = range(whole.min, whole.max);
            self.say(Asked::Range, path, || format!("{number}, taken: {range}"));
        }
    }

    fn number(&mut self, value: &Json, number: &Number, path: &Trail<'_>) {
        let real = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let Some(real) = real else {
            return self.unless(false, value, "a number", path);
        };
        if number.min.is_some_and(|min| real < min) || number.max.is_some_and(|max| real > max) {
            let range = range(number.min, number.max);
            self.say(Asked::Range, path, || format!("{real}, taken: {range}"));
        }
    }

    fn list(&mut self, items: &[Json], list: &List, path: &Trail<'_>) {
        // A function among the items may give several or none.
        let known = items.iter().all(|item| function_name(item).is_none());
        let count = items.len();
        let (few, many) =
            (list.min.is_some_and(|min| count < min as usize), list.max.is_some_and(|max| count > max as usize));
        if known && (few || many) {
            let range = range(list.min.map(i64::from), list.max.map(i64::from));
            self.say(Asked::Count, path, || format!("{count} items, taken: {range}"));
        }
        if list.unique && known {
            let twice = items.iter().enumerate().find(|(at, item)| items.iter().take(*at).any(|other| other == *item));
            if let Some((at, item)) = twice {
                self.say(Asked::Count, &path.item(at), || format!("{item} stands in the list twice"));
            }
        }
        for (at, item) in items.iter().enumerate() {
            if !matches!(Field::of(item), Field::Absent) {
                self.value(item, &list.items, &path.item(at));
            }
        }
    }

    fn map(&mut self, entries: &JsonMap<String, Json>, map: &Map, path: &Trail<'_>) {
        if map.max.is_some_and(|max| entries.len() > max as usize) {
            self.say(Asked::Count, path, || {
                format!("{} entries, at most {} are taken", entries.len(), map.max.unwrap_or(0))
            });
        }
        for (name, value) in entries.iter().filter(|(name, _)| !name.starts_with("Fn::")) {
            if map.names.is_some_and(|pattern| !fits(pattern, name)) {
                let pattern = map.names.unwrap_or_default();
                self.say(Asked::Form, &path.key(name), || format!("the name {name} does not match {pattern}"));
            }
            if !matches!(Field::of(value), Field::Absent) {
                self.value(value, &map.values, &path.key(name));
            }
        }
    }

    fn object(&mut self, entries: &JsonMap<String, Json>, object: &Object, path: &Trail<'_>) {
        // A transform or a loop among the members makes further ones.
        let known = !entries.keys().any(|name| name.starts_with("Fn::"));
        let has = |name: &str| entries.get(name).is_some_and(|value| !matches!(Field::of(value), Field::Absent));
        if known {
            for name in object.required.iter().filter(|name| !has(name)) {
                self.say(Asked::Missing, path, || format!("{name} is missing"));
            }
            // Two that exclude each other are a group each.
            let said: BTreeSet<_> =
                object.groups.iter().filter_map(|group| group_fault(group, &has, entries)).collect();
            for said in said {
                self.say(Asked::Group, path, || said);
            }
        }
        for (name, value) in entries.iter().filter(|(name, _)| !name.starts_with("Fn::")) {
            match object.properties.iter().find(|(known, _)| known == name) {
                Some((_, shape)) if !matches!(Field::of(value), Field::Absent) => {
                    self.value(value, shape, &path.key(name))
                }
                Some(_) => {}
                None if object.open => {}
                None => self.say(Asked::Unknown, &path.key(name), || match nearest(name, object) {
                    Some(meant) => format!("there is no property {name}; {meant} may be meant"),
                    None => format!("there is no property {name}"),
                }),
            }
        }
    }
}

/// What members of an object contradict, if they certainly do.
fn group_fault(group: &Group, has: &impl Fn(&str) -> bool, entries: &JsonMap<String, Json>) -> Option<String> {
    // What a condition may take away is not certainly there.
    let certain =
        |name: &str| has(name) && entries.get(name).is_some_and(|value| function_name(value) != Some("Fn::If"));
    match group {
        Group::ExactlyOne(names) => {
            let there: Vec<&str> = names.iter().copied().filter(|name| certain(name)).collect();
            match there.len() {
                0 if !names.iter().any(|name| has(name)) => Some(format!("one of {} is missing", names.join(", "))),
                0 | 1 => None,
                _ => Some(format!("{} exclude each other", there.join(" and "))),
            }
        }
        Group::AtLeastOne(names) => {
            (!names.iter().any(|name| has(name))).then(|| format!("one of {} is missing", names.join(", ")))
        }
        Group::Excludes(first, others) => {
            let other = others.iter().find(|other| certain(other)).filter(|_| certain(first))?;
            let (first, other) = (first.min(other), first.max(other));
            Some(format!("{first} and {other} exclude each other"))
        }
        Group::Needs(first, others) => {
            let other = others.iter().find(|other| !has(other)).filter(|_| certain(first))?;
            Some(format!("{first} needs {other}"))
        }
    }
}

/// The property that a name is nearly: the same but for capitals, or one that it is the beginning of or the other way.
fn nearest<'a>(name: &str, object: &'a Object) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    let known = || object.properties.iter().map(|(known, _)| *known);
    let same = known().find(|known| known.eq_ignore_ascii_case(name));
    same.or_else(|| {
        known().find(|known| {
            let known = known.to_ascii_lowercase();
            known.starts_with(&lower) || lower.starts_with(&known) || one_letter_apart(&known, &lower)
        })
    })
}

/// Whether two texts differ in one letter that is other, more or less.
fn one_letter_apart(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let common = short.bytes().zip(long.bytes()).take_while(|(left, right)| left == right).count();
    let (short_rest, long_rest) = (short.get(common..).unwrap_or_default(), long.get(common..).unwrap_or_default());
    match long.len() - short.len() {
        0 => short_rest.get(1..) == long_rest.get(1..),
        1 => Some(short_rest) == long_rest.get(1..),
        _ => false,
    }
}

/// Patterns as they were read, and nothing for those that cannot be.
type Patterns = HashMap<&'static str, Option<Arc<regress::Regex>>>;

/// Patterns that were read: a schema's few are asked for every value, and to read one takes longer than all else.
static PATTERNS: LazyLock<Mutex<Patterns>> = LazyLock::new(Mutex::default);

/// Whether a schema's pattern (ECMA 262) matches somewhere in a text. One that cannot be read counts as matching.
fn fits(pattern: &'static str, text: &str) -> bool {
    let read = |pattern| regress::Regex::with_flags(pattern, "u").or_else(|_| regress::Regex::new(pattern)).ok();
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    let pattern = patterns.entry(pattern).or_insert_with(|| read(pattern).map(Arc::new)).clone();
    drop(patterns);
    pattern.is_none_or(|pattern| pattern.find(text).is_some())
}

/// `300.0` is a whole number too.
fn whole_real(value: &Json) -> Option<i64> {
    let real = value.as_f64().filter(|real| real.fract() == 0.0 && real.abs() < 9e15)?;
    // Checked above: there is no fraction, and it is small enough.
    #[allow(clippy::cast_possible_truncation, reason = "checked above")]
    Some(real as i64)
}

fn range<N: std::fmt::Display + PartialEq>(min: Option<N>, max: Option<N>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => format!("exactly {min}"),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} and more"),
        (None, Some(max)) => format!("{max} and less"),
        (None, None) => "all".to_owned(),
    }
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
