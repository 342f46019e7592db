//! Values in normal form.

use std::{cell::RefCell, collections::HashMap};

use serde_json::{Map, Value as Json, json};

use super::{Guide, policy};
use crate::diff::Known;
use cfn::{
    Template,
    view::{
        statements::{any, every},
        text::{function, whole},
    },
};

/// What is known when the values of a template are read.
pub(super) struct Values<'a> {
    template: &'a Template,
    /// What parameters and pseudo parameters stand for, where that is known and no secret.
    parameters: HashMap<&'a str, Json>,
    /// What conditions came to; nothing while one is being worked out, so that a circle is not known.
    conditions: RefCell<HashMap<&'a str, Option<bool>>>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diff) enum Piece {
    /// Text as it stands.
    Text(String),
    /// `Ref` of something.
    Ref(String),
    /// An attribute of a resource.
    Attribute(String, String),
    /// Another function, in normal form.
    Other(Json),
}

impl<'a> Values<'a> {
    pub(super) fn of(template: &'a Template, known: &'a Known) -> Self {
        let mut parameters: HashMap<&str, Json> = HashMap::new();
        for (name, value) in &known.parameters {
            let kind = template.parameters.get(name).map_or("String", |parameter| parameter.kind.as_str());
            parameters.insert(name, parameter(kind, &json!(value)));
        }
        for (name, parameter_of) in &template.parameters {
            let hidden = parameter_of.rest.get("NoEcho").is_some_and(is_true);
            // The default of such a parameter is a name in Systems Manager, not the value.
            let elsewhere = parameter_of.kind.starts_with("AWS::SSM::Parameter::Value");
            if hidden || elsewhere {
                parameters.remove(name.as_str());
            } else if let Some(default) = &parameter_of.default
                && !parameters.contains_key(name.as_str())
            {
                parameters.insert(name, parameter(&parameter_of.kind, default));
            }
        }
        Self { template, parameters, conditions: RefCell::default() }
    }

    /// Whether a condition holds; nothing where that is not known.
    pub(super) fn holds(&self, name: &str) -> Option<bool> {
        let (name, expression) = self.template.conditions.get_key_value(name)?;
        if let Some(known) = self.conditions.borrow().get(name.as_str()) {
            return *known;
        }
        self.conditions.borrow_mut().insert(name, None);
        let holds = expression_holds(self, expression);
        self.conditions.borrow_mut().insert(name, holds);
        holds
    }

    /// The normal form of a value; nothing for `AWS::NoValue`.
    pub(super) fn normal(&self, value: &Json, guide: &Guide) -> Option<Json> {
        Some(match value {
            Json::Object(entries) => match function(entries).filter(|(name, _)| *name != "Condition") {
                Some((name, argument)) => return self.function(name, argument, guide),
                None => {
                    let members = self.members(entries, guide);
                    if members.contains_key("Statement") { policy::normal(members) } else { Json::Object(members) }
                }
            },
            Json::Array(items) => {
                let inside = guide.step("*");
                let mut items: Vec<Json> = items.iter().filter_map(|item| self.normal(item, &inside)).collect();
                if guide.is_unordered() {
                    items.sort_by_cached_key(Json::to_string);
                }
                Json::Array(items)
            }
            Json::String(text) if guide.is_json() && text.trim_start().starts_with(['{', '[']) => {
                match serde_json::from_str::<Json>(text) {
                    Ok(parsed) => self.normal(&parsed, guide)?,
                    Err(_) => value.clone(),
                }
            }
            Json::Number(_) | Json::Bool(_) if !guide.inside_json => json!(value.to_string()),
            other => other.clone(),
        })
    }

    /// The normal form of an object's members, in alphabetical order.
    pub(super) fn members(&self, entries: &Map<String, Json>, guide: &Guide) -> Map<String, Json> {
        let members = entries.iter().filter_map(|(key, value)| {
            let inner = guide.step(key);
            Some((key.clone(), self.normal(value, &inner)?))
        });
        let mut members: Vec<(String, Json)> = members.collect();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        members.into_iter().collect()
    }

    fn function(&self, name: &str, argument: &Json, guide: &Guide) -> Option<Json> {
        let plain = Guide::default();
        match (name, argument) {
            ("Ref", Json::String(name)) if name == "AWS::NoValue" => None,
            ("Ref", Json::String(name)) => Some(match self.parameters.get(name.as_str()) {
                Some(value) => value.clone(),
                None => json!({ "Ref": name }),
            }),
            ("Fn::GetAtt", _) => Some(match attribute(argument) {
                Some((id, name)) => json!({"Fn::GetAtt": [id, name]}),
                None => self.kept("Fn::GetAtt", argument),
            }),
            ("Fn::If", Json::Array(branches)) => match branches.as_slice() {
                [Json::String(condition), yes, no] => match self.holds(condition) {
                    Some(true) => self.normal(yes, guide),
                    Some(false) => self.normal(no, guide),
                    None => {
                        let (yes, no) = (self.normal(yes, guide), self.normal(no, guide));
                        if yes == no {
                            return yes;
                        }
                        let nothing = || json!({"Ref": "AWS::NoValue"});
                        let (yes, no) = (yes.unwrap_or_else(nothing), no.unwrap_or_else(nothing));
                        Some(json!({"Fn::If": [condition, yes, no]}))
                    }
                },
                _ => Some(self.kept(name, argument)),
            },
            ("Fn::Sub" | "Fn::Join", _) => {
                Some(self.text(name, argument).map_or_else(|| self.kept(name, argument), |text| written(&text)))
            }
            ("Fn::FindInMap", Json::Array(parts)) => match self.found(parts) {
                Some(value) => self.normal(&value, guide),
                None => Some(self.kept(name, argument)),
            },
            ("Fn::Select", Json::Array(parts)) => {
                let list = parts.get(1).and_then(|list| self.normal(list, &plain));
                let index = parts.first().and_then(|index| self.normal(index, &plain));
                let at = index.as_ref().and_then(whole).and_then(|at| usize::try_from(at).ok());
                let item = at.zip(list.as_ref().and_then(Json::as_array)).and_then(|(at, items)| items.get(at));
                // An item that a condition may leave out moves those behind it.
                let moves = list.as_ref().is_some_and(|list| list.to_string().contains("AWS::NoValue"));
                Some(item.filter(|_| !moves).cloned().unwrap_or_else(|| self.kept(name, argument)))
            }
            ("Fn::Split", Json::Array(parts)) => {
                let text = parts.get(1).and_then(|text| self.normal(text, &plain));
                Some(match (parts.first(), text) {
                    (Some(Json::String(between)), Some(Json::String(text))) if !between.is_empty() => {
                        text.split(between.as_str()).map(|part| json!(part)).collect()
                    }
                    _ => self.kept(name, argument),
                })
            }
            // Without a region it is this one.
            ("Fn::GetAZs", Json::String(region)) if region.is_empty() => {
                Some(self.kept(name, &json!({"Ref": "AWS::Region"})))
            }
            _ => Some(self.kept(name, argument)),
        }
    }

    /// A function that is not worked out, its argument in normal form.
    fn kept(&self, name: &str, argument: &Json) -> Json {
        json!({ name: self.normal(argument, &Guide::default()).unwrap_or_else(|| json!({"Ref": "AWS::NoValue"})) })
    }

    /// The pieces of a text that a function makes; nothing where it is not known how many there are.
    fn text(&self, name: &str, argument: &Json) -> Option<Vec<Piece>> {
        let mut text = Vec::new();
        match (name, argument) {
            ("Fn::Sub", Json::String(pattern)) => self.sub(&mut text, pattern, None)?,
            ("Fn::Sub", Json::Array(parts)) => {
                self.sub(&mut text, parts.first()?.as_str()?, parts.get(1).and_then(Json::as_object))?;
            }
            ("Fn::Join", Json::Array(parts)) => {
                let between = parts.first()?.as_str()?;
                let Some(Json::Array(items)) = self.normal(parts.get(1)?, &Guide::default()) else { return None };
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        push(&mut text, Piece::Text(between.to_owned()));
                    }
                    append(&mut text, item)?;
                }
            }
            _ => return None,
        }
        Some(text)
    }

    fn sub(&self, text: &mut Vec<Piece>, pattern: &str, own: Option<&Map<String, Json>>) -> Option<()> {
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            push(text, Piece::Text(before.to_owned()));
            let (name, behind) = after.split_once('}')?;
            rest = behind;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                push(text, Piece::Text(format!("${{{literal}}}")));
                continue;
            }
            let value = match (own.and_then(|own| own.get(name)), name.split_once('.')) {
                (Some(own), _) => own.clone(),
                (None, Some((id, attribute))) => json!({"Fn::GetAtt": [id, attribute]}),
                (None, None) => json!({ "Ref": name }),
            };
            append(text, &self.normal(&value, &Guide::default())?)?;
        }
        push(text, Piece::Text(rest.to_owned()));
        Some(())
    }

    /// What a mapping says, where its keys are known.
    fn found(&self, parts: &[Json]) -> Option<Json> {
        let key = |at: usize| -> Option<String> {
            match self.normal(parts.get(at)?, &Guide::default())? {
                Json::String(key) => Some(key),
                _ => None,
            }
        };
        let (name, row, column) = (key(0)?, key(1)?, key(2)?);
        let found = self.template.mappings.get(&name).and_then(|rows| rows.get(&row)?.get(&column));
        found.or_else(|| parts.get(3)?.get("DefaultValue")).cloned()
    }
}

/// Whether an expression holds; nothing where that is not known.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>
fn expression_holds(values: &Values<'_>, expression: &Json) -> Option<bool> {
    let (name, argument) = function(expression.as_object()?)?;
    let parts = || argument.as_array().into_iter().flatten().map(|part| expression_holds(values, part));
    match name {
        "Condition" => values.holds(argument.as_str()?),
        "Fn::And" => every(parts()),
        "Fn::Or" => any(parts()),
        "Fn::Not" => expression_holds(values, argument.get(0)?).map(|holds| !holds),
        "Fn::Equals" => {
            let value = |at: usize| values.normal(argument.get(at)?, &Guide::default());
            let (one, other) = (value(0)?, value(1)?);
            // What is written alike is alike; literals that are not, are not.
            if one == other { Some(true) } else { (one.is_string() && other.is_string()).then_some(false) }
        }
        _ => None,
    }
}

/// The pieces of a value in normal form, where it is a text.
pub(in crate::diff) fn pieces(value: &Json) -> Option<Vec<Piece>> {
    let mut text = Vec::new();
    append(&mut text, value)?;
    Some(text)
}

/// Adds a value in normal form to a text; nothing where it is no text.
fn append(text: &mut Vec<Piece>, value: &Json) -> Option<()> {
    match value {
        Json::String(one) => push(text, Piece::Text(one.clone())),
        Json::Number(_) | Json::Bool(_) => push(text, Piece::Text(value.to_string())),
        Json::Object(entries) => match function(entries)? {
            ("Ref", Json::String(name)) => push(text, Piece::Ref(name.clone())),
            ("Fn::GetAtt", argument) => match attribute(argument) {
                Some((id, name)) => push(text, Piece::Attribute(id, name)),
                None => push(text, Piece::Other(value.clone())),
            },
            ("Fn::Sub", Json::String(pattern)) => append_sub(text, pattern, None)?,
            ("Fn::Sub", Json::Array(parts)) => {
                append_sub(text, parts.first()?.as_str()?, parts.get(1).and_then(Json::as_object))?;
            }
            _ => push(text, Piece::Other(value.clone())),
        },
        Json::Null | Json::Array(_) => return None,
    }
    Some(())
}

/// Adds a `Fn::Sub` in normal form.
fn append_sub(text: &mut Vec<Piece>, pattern: &str, own: Option<&Map<String, Json>>) -> Option<()> {
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        push(text, Piece::Text(before.to_owned()));
        let (name, behind) = after.split_once('}')?;
        rest = behind;
        if let Some(literal) = name.strip_prefix('!') {
            push(text, Piece::Text(format!("${{{literal}}}")));
        } else if let Some(value) = own.and_then(|own| own.get(name)) {
            push(text, Piece::Other(value.clone()));
        } else if let Some((id, attribute)) = name.split_once('.') {
            push(text, Piece::Attribute(id.to_owned(), attribute.to_owned()));
        } else {
            push(text, Piece::Ref(name.to_owned()));
        }
    }
    push(text, Piece::Text(rest.to_owned()));
    Some(())
}

/// Texts next to each other become one, so that equal texts have equal pieces.
fn push(text: &mut Vec<Piece>, piece: Piece) {
    match (text.last_mut(), piece) {
        (_, Piece::Text(next)) if next.is_empty() => {}
        (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(&next),
        (_, piece) => text.push(piece),
    }
}

/// A text as one function, or as a literal: the only way in which the normal form writes it.
fn written(text: &[Piece]) -> Json {
    match text {
        [] => return json!(""),
        [Piece::Text(only)] => return json!(only),
        [Piece::Ref(name)] => return json!({ "Ref": name }),
        [Piece::Attribute(id, name)] => return json!({"Fn::GetAtt": [id, name]}),
        [Piece::Other(value)] => return value.clone(),
        _ => {}
    }
    let (mut pattern, mut own) = (String::new(), Map::new());
    let names: Vec<&str> =
        text.iter().filter_map(|piece| if let Piece::Ref(name) = piece { Some(name.as_str()) } else { None }).collect();
    let mut number = 0;
    for piece in text {
        match piece {
            Piece::Text(literal) => pattern.push_str(&literal.replace("${", "${!")),
            Piece::Ref(name) => pattern.push_str(&format!("${{{name}}}")),
            Piece::Attribute(id, name) => pattern.push_str(&format!("${{{id}.{name}}}")),
            Piece::Other(value) => {
                // A name that nothing else in the text has.
                while number == 0 || names.contains(&format!("Value{number}").as_str()) {
                    number += 1;
                }
                let name = format!("Value{number}");
                number += 1;
                pattern.push_str(&format!("${{{name}}}"));
                own.insert(name, value.clone());
            }
        }
    }
    if own.is_empty() { json!({ "Fn::Sub": pattern }) } else { json!({"Fn::Sub": [pattern, own]}) }
}

/// The id and the name in the argument of `Fn::GetAtt`, written as a text or as a list.
fn attribute(argument: &Json) -> Option<(String, String)> {
    let (id, name) = match argument {
        Json::String(whole) => whole.split_once('.')?,
        list => (list.get(0)?.as_str()?, list.get(1)?.as_str()?),
    };
    Some((id.to_owned(), name.to_owned()))
}

/// What a parameter stands for: a list, where its type is one.
fn parameter(kind: &str, value: &Json) -> Json {
    let text = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if kind.starts_with("List<") || kind == "CommaDelimitedList" {
        return text.split(',').map(|item| json!(item.trim())).collect();
    }
    json!(text)
}

/// Whether a flag is set, as a truth or as text.
pub(in crate::diff) fn is_true(value: &Json) -> bool {
    value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
