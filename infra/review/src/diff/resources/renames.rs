//! Resources that got another logical id.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

use serde_json::{Map, Value as Json, json};

use cfn::{
    LogicalId, Resource, Template,
    view::{name_property, text::function},
};

/// The old id of each resource that was renamed, by the new one, and the other way round.
#[derive(Default)]
pub(in crate::diff) struct Renames {
    old: HashMap<LogicalId, LogicalId>,
    new: HashMap<String, String>,
}

impl Renames {
    /// Finds resources that have the same type and content under another id, or the same custom name. What they refer to may
    /// have been renamed as well, so that one rename may show the next.
    pub(super) fn between(old: &Template, new: &Template) -> Self {
        let only = |one: &Template, other: &Template| -> Vec<LogicalId> {
            let same = |id: &LogicalId, resource: &Resource| {
                other.resources.get(id).is_some_and(|there| there.kind == resource.kind)
            };
            let left = one.resources.iter().filter(|(id, resource)| !same(id, resource));
            left.map(|(id, _)| id.clone()).collect()
        };
        let (mut gone, mut come) = (only(old, new), only(new, old));
        let mut renames = Self::default();
        while !gone.is_empty() && !come.is_empty() {
            let mut by_content: HashMap<String, VecDeque<LogicalId>> = HashMap::new();
            for id in &gone {
                let Some(resource) = old.resources.get(id) else { continue };
                let key = content(&renames.applied(resource));
                by_content.entry(key).or_default().push_back(id.clone());
            }
            let before = come.len();
            come.retain(|id| {
                let content = new.resources.get(id).map(content).unwrap_or_default();
                let was = by_content.get_mut(&content).and_then(VecDeque::pop_front);
                was.inspect(|was| renames.add(was, id)).is_none()
            });
            gone.retain(|id| !renames.new.contains_key(id.as_str()));
            if come.len() == before {
                break;
            }
        }
        renames.by_custom_name(&gone, &come, old, new);
        renames
    }

    /// These renames, from the old id to the new one.
    #[cfg(test)]
    pub(in crate::diff) fn of(all: &[(LogicalId, LogicalId)]) -> Self {
        let mut renames = Self::default();
        all.iter().for_each(|(old, new)| renames.add(old, new));
        renames
    }

    /// The id that a resource has now.
    #[cfg(test)]
    pub(in crate::diff) fn new_id(&self, old: &LogicalId) -> LogicalId {
        self.new.get(old.as_str()).map_or_else(|| old.clone(), |new| LogicalId::parse(new).unwrap())
    }

    fn by_custom_name(&mut self, gone: &[LogicalId], come: &[LogicalId], old: &Template, new: &Template) {
        let key = |template: &Template, id: &LogicalId| -> Option<(String, String)> {
            let resource = template.resources.get(id)?;
            let name = resource.properties.get(name_property(&resource.kind)?)?;
            Some((resource.kind.clone(), name.to_string()))
        };
        let names: HashMap<_, _> = gone.iter().filter_map(|id| Some((key(old, id)?, id))).collect();
        for id in come {
            if let Some(was) = key(new, id).and_then(|key| names.get(&key))
                && !self.new.contains_key(was.as_str())
            {
                self.add(was, id);
            }
        }
    }

    fn add(&mut self, old: &LogicalId, new: &LogicalId) {
        self.old.insert(new.clone(), old.clone());
        self.new.insert(old.to_string(), new.to_string());
    }

    /// The id that a resource had, where it was another.
    pub(super) fn old_id(&self, new: &LogicalId) -> Option<&LogicalId> {
        self.old.get(new)
    }

    /// A resource that refers to what was renamed under its new id.
    pub(in crate::diff) fn applied<'r>(&self, resource: &'r Resource) -> Cow<'r, Resource> {
        if self.new.is_empty() {
            return Cow::Borrowed(resource);
        }
        let mut renamed = resource.clone();
        renamed.properties = self.members(&resource.properties);
        renamed.rest = self.members(&resource.rest);
        for id in &mut renamed.depends_on {
            if let Some(new) = self.new.get(id.as_str()).and_then(|new| LogicalId::parse(new).ok()) {
                *id = new;
            }
        }
        renamed.depends_on.sort();
        Cow::Owned(renamed)
    }

    fn members(&self, members: &Map<String, Json>) -> Map<String, Json> {
        members.iter().map(|(key, value)| (key.clone(), self.value(value))).collect()
    }

    fn value(&self, value: &Json) -> Json {
        let name = |name: &str| self.new.get(name).cloned().unwrap_or_else(|| name.to_owned());
        match value {
            Json::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Json::Object(entries) => match function(entries) {
                Some(("Ref", Json::String(id))) => json!({ "Ref": name(id) }),
                Some(("Fn::GetAtt", Json::Array(parts))) => {
                    let id = parts.first().and_then(Json::as_str).map(|id| json!(name(id)));
                    let parts: Json = id.into_iter().chain(parts.iter().skip(1).cloned()).collect();
                    json!({ "Fn::GetAtt": parts })
                }
                Some(("Fn::Sub", Json::String(text))) => json!({"Fn::Sub": self.sub(text)}),
                Some(("Fn::Sub", Json::Array(parts))) => {
                    let text = parts.first().and_then(Json::as_str).map(|text| json!(self.sub(text)));
                    let rest = parts.iter().skip(1).map(|part| self.value(part));
                    json!({"Fn::Sub": text.into_iter().chain(rest).collect::<Json>()})
                }
                _ => Json::Object(self.members(entries)),
            },
            other => other.clone(),
        }
    }

    fn sub(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            let (id, attribute) = name.split_once('.').map_or((name, None), |(id, attribute)| (id, Some(attribute)));
            let id = self.new.get(id).map_or(id, String::as_str);
            let attribute = attribute.map(|attribute| format!(".{attribute}")).unwrap_or_default();
            out.push_str(&format!("{before}${{{id}{attribute}}}"));
            rest = behind;
        }
        out + rest
    }
}

/// The type and the properties of a resource in normal form, as a text.
fn content(resource: &Resource) -> String {
    let properties = Json::Object(resource.properties.clone());
    format!("{} {properties} {} {:?}", resource.kind, Json::Object(resource.rest.clone()), resource.condition)
}
