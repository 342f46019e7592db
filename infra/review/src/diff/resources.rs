//! Which resources differ, and in which properties.

mod list;
mod renames;

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value as Json};

use super::{
    Action, Change, Consequence, PropertyChange, Shown,
    consequence::{self, Nature},
    hidden::Hidden,
    normalize,
    side::{Pairs, Side},
};
use cfn::{
    LogicalId, Path, Resource,
    view::{name_property, text::function_name},
};
pub(super) use renames::Renames;

/// The changes between two sides, and which resource of the one is which of the other.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, hidden: &Hidden<'_>) -> (Vec<Change>, Pairs) {
    let renames = Renames::between(&old.template, &new.template);
    let (mut changes, mut pairs) = (Vec::new(), Pairs::new());
    for (id, resource) in &new.template.resources {
        let before = renames.old_id(id).unwrap_or(id);
        let was = old.template.resources.get(before).filter(|was| was.kind == resource.kind);
        let Some(was) = was else {
            changes.push(added(id, resource, new, hidden));
            continue;
        };
        pairs.insert(id.clone(), before.clone());
        changes.extend(changed(id, before, &renames.applied(was), resource, (old, new), hidden));
    }
    let kept: HashSet<&LogicalId> = pairs.values().collect();
    let gone = old.template.resources.iter().filter(|(id, _)| !kept.contains(id));
    changes.extend(gone.map(|(id, resource)| removed(id, resource, old, hidden)));
    (changes, pairs)
}

/// A resource that is in both templates, where it differs.
fn changed(
    id: &LogicalId,
    before: &LogicalId,
    was: &Resource,
    is: &Resource,
    (old, new): (&Side<'_>, &Side<'_>),
    hidden: &Hidden<'_>,
) -> Option<Change> {
    let mut walk = Walk { nature: Nature::of(&is.kind), hidden, changes: Vec::new() };
    let path = Path::resource(id.as_str());
    let properties = path.key("Properties");
    let names: BTreeSet<&String> = was.properties.keys().chain(is.properties.keys()).collect();
    for name in names {
        let (old, new) = (was.properties.get(name), is.properties.get(name));
        walk.value(&properties.key(name), &mut vec![name], old, new);
    }
    walk.attributes(&path, was, is);
    if let Some(condition) = is.condition.as_ref().filter(|name| was.condition.as_ref() == Some(*name)) {
        let (old, new) = (old.template.conditions.get(condition), new.template.conditions.get(condition));
        if old != new {
            walk.push(&path.key("Condition"), old, new, Consequence::Unknown);
        }
    }
    let renamed = id != before;
    if walk.changes.is_empty() && !renamed {
        return None;
    }
    let worst = walk.changes.iter().map(|change| change.causes).max().unwrap_or(Consequence::None);
    let mut consequence = consequence::of_update(worst, is);
    if renamed {
        consequence = consequence.max(consequence::of_rename(was));
    }
    let action = if renamed { Action::Renamed { from: before.clone() } } else { Action::Changed };
    Some(Change { properties: walk.changes, ..change(id, is, action, consequence, hidden) })
}

fn added(id: &LogicalId, is: &Resource, new: &Side<'_>, hidden: &Hidden<'_>) -> Change {
    let properties = contents(id, is, new).into_iter().map(|(path, value)| {
        let new = hidden.show(&path, &value);
        let (causes, sensitive) = (Consequence::Creation, new.hides());
        PropertyChange { path, old: None, new: Some(new), causes, sensitive, source: None }
    });
    Change { properties: properties.collect(), ..change(id, is, Action::Added, Consequence::Creation, hidden) }
}

fn removed(id: &LogicalId, was: &Resource, old: &Side<'_>, hidden: &Hidden<'_>) -> Change {
    let consequence = consequence::of_removal(was);
    let properties = contents(id, was, old).into_iter().map(|(path, value)| {
        let old = hidden.show(&path, &value);
        let sensitive = old.hides();
        PropertyChange { path, old: Some(old), new: None, causes: consequence, sensitive, source: None }
    });
    Change { properties: properties.collect(), ..change(id, was, Action::Removed, consequence, hidden) }
}

/// What a template gives a resource, attributes too; defaults are not listed.
fn contents(id: &LogicalId, resource: &Resource, side: &Side<'_>) -> Vec<(Path, Json)> {
    let path = Path::resource(id.as_str());
    let Some(given) = side.given.resources.get(id) else { return Vec::new() };
    let properties = resource.properties.iter().filter(|(name, _)| given.properties.contains_key(*name));
    let mut all: Vec<(Path, Json)> =
        properties.map(|(name, value)| (path.key("Properties").key(name), value.clone())).collect();
    let policy = |given: &Option<Json>, normal: &Option<Json>| normal.clone().filter(|_| given.is_some());
    let attributes = [
        ("Condition", resource.condition.as_deref().map(Json::from)),
        ("DependsOn", ids(&resource.depends_on)),
        ("DeletionPolicy", policy(&given.deletion_policy, &resource.deletion_policy)),
        ("UpdateReplacePolicy", policy(&given.update_replace_policy, &resource.update_replace_policy)),
        ("Metadata", object(&resource.metadata)),
    ];
    all.extend(attributes.into_iter().filter_map(|(name, value)| Some((path.key(name), value?))));
    all.extend(resource.rest.iter().map(|(name, value)| (path.key(name), value.clone())));
    all
}

fn ids(ids: &[LogicalId]) -> Option<Json> {
    (!ids.is_empty()).then(|| ids.iter().map(LogicalId::as_str).collect())
}

fn object(entries: &Map<String, Json>) -> Option<Json> {
    (!entries.is_empty()).then(|| Json::Object(entries.clone()))
}

fn change(
    id: &LogicalId,
    resource: &Resource,
    action: Action,
    consequence: Consequence,
    hidden: &Hidden<'_>,
) -> Change {
    let name = name_property(&resource.kind).and_then(|name| Some((name, resource.properties.get(name)?)));
    let path = Path::resource(id.as_str()).key("Properties");
    Change {
        id: id.clone(),
        kind: resource.kind.clone(),
        name: name.map(|(name, value)| hidden.show(&path.key(name), value)),
        action,
        consequence,
        properties: Vec::new(),
        follows: Vec::new(),
        predicted: None,
        source: None,
    }
}

/// Walks two resources side by side.
struct Walk<'a> {
    nature: Nature<'a>,
    hidden: &'a Hidden<'a>,
    changes: Vec<PropertyChange>,
}

impl Walk<'_> {
    /// Compares what stands at a place; `place` is the way below the properties with `*` for an item.
    fn value<'v>(&mut self, path: &Path, place: &mut Vec<&'v str>, old: Option<&'v Json>, new: Option<&'v Json>) {
        if old == new {
            return;
        }
        match (old, new) {
            (Some(Json::Object(was)), Some(Json::Object(is))) if !is_function(old) && !is_function(new) => {
                let documents = was.contains_key("Statement") && is.contains_key("Statement");
                if documents && old.zip(new).is_some_and(|(old, new)| normalize::same_policy(old, new)) {
                    return;
                }
                let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
                for name in names {
                    place.push(name);
                    self.value(&path.key(name), place, was.get(name), is.get(name));
                    place.pop();
                }
            }
            (Some(Json::Array(was)), Some(Json::Array(is))) => self.list(path, place, was, is),
            _ => {
                let causes = self.nature.of_change(place, old, new);
                self.push(path, old, new, causes);
            }
        }
    }

    /// Attributes of the resource beside its properties: they do nothing to the thing itself.
    fn attributes(&mut self, path: &Path, was: &Resource, is: &Resource) {
        let text = |value: &Option<String>| value.as_ref().map(|text| Json::from(text.as_str()));
        let mut compare = |name: &str, old: Option<Json>, new: Option<Json>, causes| {
            if old != new {
                self.push(&path.key(name), old.as_ref(), new.as_ref(), causes);
            }
        };
        compare("Condition", text(&was.condition), text(&is.condition), Consequence::Unknown);
        compare("DependsOn", ids(&was.depends_on), ids(&is.depends_on), Consequence::None);
        compare("DeletionPolicy", was.deletion_policy.clone(), is.deletion_policy.clone(), Consequence::None);
        let policy = |resource: &Resource| resource.update_replace_policy.clone();
        compare("UpdateReplacePolicy", policy(was), policy(is), Consequence::None);
        compare("Metadata", object(&was.metadata), object(&is.metadata), Consequence::None);
        let names: BTreeSet<&String> = was.rest.keys().chain(is.rest.keys()).collect();
        for name in names {
            compare(name, was.rest.get(name).cloned(), is.rest.get(name).cloned(), Consequence::None);
        }
    }

    fn push(&mut self, path: &Path, old: Option<&Json>, new: Option<&Json>, causes: Consequence) {
        let (old, new) = (old.map(|old| self.hidden.show(path, old)), new.map(|new| self.hidden.show(path, new)));
        let sensitive = [&old, &new].into_iter().flatten().any(Shown::hides);
        self.changes.push(PropertyChange { path: path.clone(), old, new, causes, sensitive, source: None });
    }
}

fn is_function(value: Option<&Json>) -> bool {
    value.is_some_and(|value| function_name(value).is_some())
}
