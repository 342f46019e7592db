//! Intrinsic functions, worked out.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use cfn::{LogicalId, Template};
use serde_json::{Map, Value, json};

use super::{Given, ProvisionError, text};

/// Conditions that refer to conditions deeper than this refer to themselves.
const DEEPEST: usize = 32;

/// What is known of a resource that was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    reference: String,
    attributes: BTreeMap<&'static str, String>,
    /// A resource that is not played has every attribute, none of them of use.
    any_attribute: bool,
}

impl Made {
    pub(super) fn new(reference: &str) -> Self {
        Self { reference: reference.to_owned(), attributes: BTreeMap::new(), any_attribute: false }
    }

    pub(super) fn unplayed(id: &LogicalId) -> Self {
        Self { any_attribute: true, ..Self::new(id.as_str()) }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.insert(name, value.to_owned());
        self
    }
}

/// What values can refer to.
pub(super) struct Scope<'a> {
    template: &'a Template,
    given: &'a Given,
    made: HashMap<LogicalId, Made>,
}

type Resolved = Result<Option<Value>, ProvisionError>;

impl<'a> Scope<'a> {
    pub(super) fn new(template: &'a Template, given: &'a Given) -> Self {
        Self { template, given, made: HashMap::new() }
    }

    pub(super) fn add(&mut self, id: &LogicalId, made: Made) {
        self.made.insert(id.clone(), made);
    }

    /// What a resource's service calls it; nothing where the resource was left out.
    pub(super) fn physical(&self, id: &LogicalId) -> Option<&str> {
        self.made.get(id).map(|made| made.reference.as_str())
    }

    /// Works a value out; nothing where it is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value, path: &str) -> Resolved {
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(at, item)| self.resolve(item, &format!("{path}[{at}]")));
                let items: Vec<_> = items.collect::<Result<_, _>>()?;
                Ok(Some(Value::Array(items.into_iter().flatten().collect())))
            }
            Value::Object(entries) => match single(entries) {
                Some((function, argument)) => self.call(function, argument, path),
                None => {
                    let mut resolved = Map::new();
                    for (key, value) in entries {
                        let value = self.resolve(value, &format!("{path}.{key}"))?;
                        resolved.extend(value.map(|value| (key.clone(), value)));
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            plain => Ok(Some(plain.clone())),
        }
    }

    fn call(&self, function: &str, argument: &Value, path: &str) -> Resolved {
        let wrong = |reason: &str| wrong(path, format!("{function} {reason}"));
        match function {
            "Ref" => self.reference(argument.as_str().ok_or_else(|| wrong("takes a name"))?, path),
            "Fn::GetAtt" => {
                let target = match argument {
                    Value::String(whole) => whole.split_once('.'),
                    list => list.get(0).and_then(Value::as_str).zip(list.get(1).and_then(Value::as_str)),
                };
                let (id, name) = target.ok_or_else(|| wrong("takes a resource and its attribute"))?;
                self.attribute(id, name, path).map(|value| Some(json!(value)))
            }
            "Fn::Sub" => self.sub(argument, path).map(|text| Some(json!(text))),
            "Fn::Join" => {
                let separator = argument.get(0).and_then(Value::as_str).ok_or_else(|| wrong("takes a separator"))?;
                let list = self.list(argument.get(1), path, &wrong)?;
                Ok(Some(json!(list.iter().map(text).collect::<Vec<_>>().join(separator))))
            }
            "Fn::Split" => {
                let separator = argument.get(0).and_then(Value::as_str).ok_or_else(|| wrong("takes a separator"))?;
                let source = self.needed(argument.get(1), path, &wrong)?;
                Ok(Some(json!(text(&source).split(separator).collect::<Vec<_>>())))
            }
            "Fn::Select" => {
                let at = self.needed(argument.get(0), path, &wrong)?;
                let at: usize = text(&at).parse().map_err(|_| wrong("takes the number of an item"))?;
                let list = self.list(argument.get(1), path, &wrong)?;
                list.get(at).cloned().map(Some).ok_or_else(|| wrong("takes the number of an item that is there"))
            }
            "Fn::If" => {
                let name = argument.get(0).and_then(Value::as_str).ok_or_else(|| wrong("takes a condition's name"))?;
                let chosen = argument.get(if self.condition(name, 0)? { 1 } else { 2 });
                self.resolve(chosen.ok_or_else(|| wrong("takes a condition and two values"))?, path)
            }
            "Fn::FindInMap" => {
                let keys = self.list(Some(argument), path, &wrong)?;
                let [map, first, second] = keys.as_slice() else {
                    return Err(wrong("takes a map's name and two keys"));
                };
                let found =
                    self.template.mappings.get(&text(map)).and_then(|map| map.get(text(first))?.get(text(second)));
                found.cloned().map(Some).ok_or_else(|| wrong("finds nothing under these keys"))
            }
            "Fn::Base64" => {
                let source = self.needed(Some(argument), path, &wrong)?;
                Ok(Some(json!(STANDARD.encode(text(&source)))))
            }
            _ => Err(wrong("is not played here")),
        }
    }

    fn needed(
        &self,
        value: Option<&Value>,
        path: &str,
        wrong: &dyn Fn(&str) -> ProvisionError,
    ) -> Result<Value, ProvisionError> {
        let value = value.ok_or_else(|| wrong("lacks an argument"))?;
        Ok(self.resolve(value, path)?.unwrap_or_default())
    }

    fn list(
        &self,
        value: Option<&Value>,
        path: &str,
        wrong: &dyn Fn(&str) -> ProvisionError,
    ) -> Result<Vec<Value>, ProvisionError> {
        match self.needed(value, path, wrong)? {
            Value::Array(items) => Ok(items),
            _ => Err(wrong("takes a list")),
        }
    }

    fn reference(&self, name: &str, path: &str) -> Resolved {
        let account = &self.given.account;
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(account.region.clone()),
            "AWS::AccountId" => Some(account.id.clone()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            "AWS::StackName" => Some(self.given.stack_name.clone()),
            "AWS::StackId" => Some(account.arn("cloudformation", &format!("stack/{}/local", self.given.stack_name))),
            _ => None,
        };
        let made = || self.made.get(name).map(|made| made.reference.clone());
        let known = pseudo.or_else(made).or_else(|| self.parameter(name));
        known.map(|text| Some(json!(text))).ok_or_else(|| wrong(path, format!("there is no {name} to refer to")))
    }

    /// A parameter's value: the one given, its default, or its own name where neither is there.
    fn parameter(&self, name: &str) -> Option<String> {
        let parameter = self.template.parameters.get(name)?;
        let given = self.given.parameters.get(name).cloned();
        Some(given.or_else(|| parameter.default.as_ref().map(text)).unwrap_or_else(|| name.to_owned()))
    }

    fn attribute(&self, id: &str, name: &str, path: &str) -> Result<String, ProvisionError> {
        let made = self.made.get(id).ok_or_else(|| wrong(path, format!("there is no resource {id} to refer to")))?;
        let known = made.attributes.get(name).cloned().or_else(|| made.any_attribute.then(|| format!("{id}.{name}")));
        known.ok_or_else(|| wrong(path, format!("{id} has no attribute {name} here")))
    }

    fn sub(&self, argument: &Value, path: &str) -> Result<String, ProvisionError> {
        let (pattern, own) = match argument {
            Value::String(pattern) => (pattern.as_str(), None),
            list => (list.get(0).and_then(Value::as_str).unwrap_or_default(), list.get(1).and_then(Value::as_object)),
        };
        let mut parts = pattern.split("${");
        let mut result = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) =
                part.split_once('}').ok_or_else(|| wrong(path, "Fn::Sub has a ${ without a }".to_owned()))?;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                result.push_str(&text(&self.resolve(value, path)?.unwrap_or_default()));
            } else if let Some((id, attribute)) = name.split_once('.') {
                result.push_str(&self.attribute(id, attribute, path)?);
            } else {
                result.push_str(&text(&self.reference(name, path)?.unwrap_or_default()));
            }
            result.push_str(rest);
        }
        Ok(result)
    }

    /// Whether a condition of the template holds.
    pub(super) fn condition(&self, name: &str, depth: usize) -> Result<bool, ProvisionError> {
        let path = format!("Conditions.{name}");
        let condition = self.template.conditions.get(name);
        let condition = condition.ok_or_else(|| wrong(&path, "there is no such condition".to_owned()))?;
        self.holds(condition, &path, depth)
    }

    fn holds(&self, condition: &Value, path: &str, depth: usize) -> Result<bool, ProvisionError> {
        if depth > DEEPEST {
            return Err(wrong(path, "it refers to itself".to_owned()));
        }
        let malformed = || wrong(path, "it is no condition".to_owned());
        let (function, argument) = condition.as_object().and_then(single).ok_or_else(malformed)?;
        let parts = || {
            let parts = argument.as_array().ok_or_else(malformed)?.iter();
            parts.map(|part| self.holds(part, path, depth + 1)).collect::<Result<Vec<_>, _>>()
        };
        match function {
            "Condition" => self.condition(argument.as_str().ok_or_else(malformed)?, depth + 1),
            "Fn::Not" => self.holds(argument.get(0).ok_or_else(malformed)?, path, depth + 1).map(|holds| !holds),
            "Fn::Or" => Ok(parts()?.contains(&true)),
            "Fn::And" => Ok(!parts()?.contains(&false)),
            "Fn::Equals" => {
                let side = |at: usize| self.resolve(argument.get(at).ok_or_else(malformed)?, path);
                let same = |value: Option<Value>| text(&value.unwrap_or_default());
                Ok(same(side(0)?) == same(side(1)?))
            }
            _ => Err(malformed()),
        }
    }
}

/// The function of an intrinsic, and its argument; nothing for other objects.
fn single(entries: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = entries.iter().next().filter(|_| entries.len() == 1)?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

fn wrong(path: &str, reason: String) -> ProvisionError {
    ProvisionError::Value { path: path.to_owned(), reason }
}
