//! What refers to what, in templates in normal form, by whatever function.

use std::collections::HashMap;

use serde_json::Value as Json;

use cfn::{
    LogicalId, Path, Resource, Template, Trail,
    view::{name_property, text::function},
};

/// One reference of a resource to another.
pub(super) struct Reference<'a> {
    /// The resource that refers.
    pub(super) from: &'a LogicalId,
    /// Where it does.
    pub(super) path: Path,
    /// The way below the properties, with `*` for an item of a list; empty for `DependsOn`.
    pub(super) place: Vec<&'a str>,
    /// How it does.
    pub(super) how: How,
}

/// How a resource refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By a function: CloudFormation puts the new value in.
    Function,
    /// It only waits for it.
    Order,
    /// By its custom name as text: CloudFormation does not know of it.
    Name,
}

/// Everything that refers to each resource of a template.
pub(super) struct References<'a> {
    by_target: HashMap<&'a str, Vec<Reference<'a>>>,
}

impl<'a> References<'a> {
    /// Reads a template in normal form. `names` are custom names with the ids of their resources.
    pub(super) fn of(template: &'a Template, names: &HashMap<String, &'a str>) -> Self {
        let mut by_target: HashMap<&str, Vec<Reference<'a>>> = HashMap::new();
        for (from, resource) in &template.resources {
            let start = Trail::Start;
            let resources = start.key("Resources");
            let path = resources.key(from.as_str());
            let properties = path.key("Properties");
            let mut reader = Reader { names, found: Vec::new(), place: Vec::new() };
            for (name, value) in &resource.properties {
                reader.member(&properties, name, value);
            }
            for (target, path, place, how) in reader.found {
                by_target.entry(target).or_default().push(Reference { from, path, place, how });
            }
            for target in &resource.depends_on {
                let path = path.key("DependsOn").path();
                let reference = Reference { from, path, place: Vec::new(), how: How::Order };
                by_target.entry(target.as_str()).or_default().push(reference);
            }
        }
        Self { by_target }
    }

    /// What refers to a resource, in the template's order; itself not.
    pub(super) fn to(&self, target: &str) -> impl Iterator<Item = &Reference<'a>> {
        self.by_target.get(target).into_iter().flatten().filter(move |reference| reference.from.as_str() != target)
    }
}

/// The names that an output's value refers to.
pub(super) fn names_in(value: &Json) -> Vec<&str> {
    let none = HashMap::new();
    let mut reader = Reader { names: &none, found: Vec::new(), place: Vec::new() };
    reader.value(&Trail::Start, value);
    reader.found.into_iter().map(|(target, ..)| target).collect()
}

/// The custom name of a resource in normal form, where it stands there as text.
pub(super) fn literal_name(resource: &Resource) -> Option<&str> {
    resource.properties.get(name_property(&resource.kind)?)?.as_str()
}

struct Reader<'a, 'n> {
    names: &'n HashMap<String, &'a str>,
    found: Vec<(&'a str, Path, Vec<&'a str>, How)>,
    place: Vec<&'a str>,
}

impl<'a> Reader<'a, '_> {
    fn member(&mut self, path: &Trail<'_>, name: &'a str, value: &'a Json) {
        self.place.push(name);
        self.value(&path.key(name), value);
        self.place.pop();
    }

    fn value(&mut self, path: &Trail<'_>, value: &'a Json) {
        match value {
            Json::String(text) if !self.names.is_empty() => self.literal(path, text),
            Json::Array(items) => {
                self.place.push("*");
                items.iter().enumerate().for_each(|(at, item)| self.value(&path.item(at), item));
                self.place.pop();
            }
            Json::Object(entries) => match function(entries) {
                Some((name, argument)) => self.function(path, name, argument),
                None => entries.iter().for_each(|(name, inner)| self.member(path, name, inner)),
            },
            _ => {}
        }
    }

    fn function(&mut self, path: &Trail<'_>, name: &str, argument: &'a Json) {
        match (name, argument) {
            ("Ref", Json::String(target)) => self.push(path, target, How::Function),
            ("Fn::GetAtt", Json::Array(parts)) => {
                if let Some(target) = parts.first().and_then(Json::as_str) {
                    self.push(path, target, How::Function);
                }
            }
            ("Fn::Sub", Json::String(text)) => self.sub(path, text, None),
            ("Fn::Sub", Json::Array(parts)) => {
                let own = parts.get(1);
                parts.first().and_then(Json::as_str).into_iter().for_each(|text| self.sub(path, text, own));
                own.and_then(Json::as_object).into_iter().flatten().for_each(|(_, inner)| self.value(path, inner));
            }
            // The arguments of other functions stand at the function's own place.
            (_, Json::Array(parts)) => parts.iter().for_each(|part| self.value(path, part)),
            (_, inner) => self.value(path, inner),
        }
    }

    fn sub(&mut self, path: &Trail<'_>, text: &'a str, own: Option<&Json>) {
        let variables = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        for name in variables.filter(|name| !name.starts_with('!')) {
            if own.is_some_and(|own| own.get(name).is_some()) {
                continue;
            }
            self.push(path, name.split('.').next().unwrap_or(name), How::Function);
        }
    }

    /// A name as it is, or at the end of an ARN or a URL.
    fn literal(&mut self, path: &Trail<'_>, text: &str) {
        let end = text.rsplit([':', '/']).next().unwrap_or(text);
        let target = self.names.get(text).or_else(|| self.names.get(end)).copied();
        target.into_iter().for_each(|target| self.push(path, target, How::Name));
    }

    fn push(&mut self, path: &Trail<'_>, target: &'a str, how: How) {
        self.found.push((target, path.path(), self.place.clone(), how));
    }
}
