//! Applies the changes that were found to the template that was.

use serde_json::{Map, Value as Json, json};

use super::Diff;
use crate::diff::{Action, PropertyChange, Section, Shown, resources::Renames};
use cfn::{LogicalId, Step, Template};

/// The old template with everything that a diff says done to it.
pub(super) fn apply(old: &Template, diff: &Diff) -> Template {
    let context = super::Context::default();
    // Changes are told of the normal form.
    let mut all = serde_json::to_value(crate::diff::normalize::template(old, &context.old)).unwrap();
    let renames: Vec<_> = diff
        .changes
        .iter()
        .filter_map(|change| match &change.action {
            Action::Renamed { from } => Some((from.clone(), change.id.clone())),
            _ => None,
        })
        .collect();
    let renames = Renames::of(&renames);
    let template: Template = serde_json::from_value(all.clone()).unwrap();
    // What goes had its id before something else got it.
    let gone = |id: &LogicalId| diff.changes.iter().any(|change| change.action == Action::Removed && change.id == *id);
    let stays = template.resources.iter().filter(|(id, _)| !gone(id));
    let resources = stays.map(|(id, resource)| {
        let id = renames.new_id(id);
        (id.to_string(), serde_json::to_value(&*renames.applied(resource)).unwrap())
    });
    let mut resources: Map<String, Json> = resources.collect();
    for change in diff.changes.iter().filter(|change| change.action == Action::Added) {
        resources.insert(change.id.to_string(), json!({"Type": change.kind, "Properties": {}}));
    }
    all["Resources"] = Json::Object(resources);
    for change in &diff.changes {
        if change.action != Action::Removed {
            // Items go from the back, so that those before them keep their places.
            change.properties.iter().rev().for_each(|property| set(&mut all, property));
        }
    }
    for change in &diff.sections {
        let steps = change.path.steps();
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if change.section == Section::Other && steps.len() == 2 {
            // Loops stand among the resources.
            put(&mut all, steps, None, new.map(Shown::raw));
            continue;
        }
        put(&mut all, steps, old.map(Shown::raw), new.map(Shown::raw));
    }
    serde_json::from_value(all).unwrap()
}

fn set(all: &mut Json, property: &PropertyChange) {
    let (old, new) = (property.old.as_ref().map(Shown::raw), property.new.as_ref().map(Shown::raw));
    put(all, property.path.steps(), old, new);
}

fn put(at: &mut Json, steps: &[Step], old: Option<&Json>, new: Option<&Json>) {
    let [step, rest @ ..] = steps else { return };
    match (step, at) {
        (Step::Key(key), Json::Object(members)) if rest.is_empty() => match new {
            Some(new) => _ = members.insert(key.clone(), new.clone()),
            None => _ = members.remove(key),
        },
        (Step::Key(key), Json::Object(members)) => {
            let inner = members.entry(key.clone()).or_insert_with(|| json!({}));
            put(inner, rest, old, new);
        }
        (Step::Key(name), Json::Array(items)) => {
            let named =
                |item: &Json| item.as_object().is_some_and(|item| item.values().any(|value| value == name.as_str()));
            match (items.iter().position(named), new) {
                (Some(at), None) if rest.is_empty() => _ = items.remove(at),
                (Some(at), Some(new)) if rest.is_empty() => items[at] = new.clone(),
                (Some(at), _) => put(&mut items[at], rest, old, new),
                (None, Some(new)) => items.push(new.clone()),
                (None, None) => panic!("no item {name}"),
            }
        }
        (Step::Item(at), Json::Array(items)) if rest.is_empty() => {
            // By its place where the order means something; where it does not, the place may be that of the new list.
            let here = Some(*at).filter(|at| old.is_some() && items.get(*at) == old);
            let was = here.or_else(|| old.and_then(|old| items.iter().position(|item| item == old)));
            match (was, new) {
                (Some(was), Some(new)) => items[was] = new.clone(),
                (Some(was), None) => _ = items.remove(was),
                (None, Some(new)) if old.is_none() => items.push(new.clone()),
                _ => panic!("no item {at} that is {old:?}"),
            }
        }
        (Step::Item(place), Json::Array(items)) => put(&mut items[*place], rest, old, new),
        (step, at) => panic!("no {step:?} in {at}"),
    }
}
