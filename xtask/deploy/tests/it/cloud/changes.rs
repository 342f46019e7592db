//! What changes between two templates, as CloudFormation sees it.

use std::collections::{BTreeMap, BTreeSet};

use cfn::Template;

#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) action: &'static str,
    pub(super) resource: String,
    pub(super) kind: String,
    pub(super) physical: String,
    pub(super) replacement: &'static str,
    pub(super) properties: Vec<(String, bool)>,
}

pub(super) fn changes(
    old: &Template,
    new: &Template,
    old_parameters: &BTreeMap<String, String>,
    new_parameters: &BTreeMap<String, String>,
) -> Vec<Change> {
    let mut found = Vec::new();
    let change = |action, resource: &str, kind: &str| Change {
        action,
        resource: resource.to_owned(),
        kind: kind.to_owned(),
        physical: String::new(),
        replacement: "",
        properties: Vec::new(),
    };
    for (id, resource) in new.resources.iter() {
        let Some(before) = old.resources.get(id.as_str()) else {
            found.push(change("Add", id.as_str(), &resource.kind));
            continue;
        };
        let lifecycle = cfn::schema::lifecycle(&resource.kind);
        let names: BTreeSet<_> = before.properties.keys().chain(resource.properties.keys()).cloned().collect();
        let differs = |name: &String| {
            let values = (before.properties.get(name), resource.properties.get(name));
            let refers = values.1.map(|value| cfn::graph::references(value, "")).unwrap_or_default();
            let moved = refers.iter().any(|(_, name)| old_parameters.get(name) != new_parameters.get(name));
            values.0 != values.1 || moved
        };
        let properties = names.into_iter().filter(differs).map(|name| {
            let replaces = lifecycle.as_ref().is_some_and(|known| known.create_only.contains(&name));
            (name, replaces)
        });
        let properties: Vec<(String, bool)> = properties.collect();
        if !properties.is_empty() {
            let replacement = if properties.iter().any(|(_, replaces)| *replaces) { "True" } else { "False" };
            found.push(Change { replacement, properties, ..change("Modify", id.as_str(), &resource.kind) });
        }
    }
    let gone = old.resources.iter().filter(|(id, _)| new.resources.get(id.as_str()).is_none());
    found.extend(gone.map(|(id, resource)| change("Remove", id.as_str(), &resource.kind)));
    found
}

pub(super) fn parse(template: &str) -> Template {
    cfn::read::template(template).unwrap()
}
