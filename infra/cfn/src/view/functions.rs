//! Every intrinsic function of a template, with the path to it.

use serde_json::Value as Json;

use super::{TemplateView, text::function};
use crate::Trail;

/// Calls `tell` with every intrinsic function of a template and the path to it: in resources, outputs and conditions, but not
/// in loops, whose bodies have names of their own.
pub fn functions<'a>(view: &TemplateView<'a>, mut tell: impl FnMut(&Trail<'_>, &'a str, &'a Json)) {
    let start = Trail::Start;
    let (resources, outputs) = (start.key("Resources"), start.key("Outputs"));
    for thing in view.resources() {
        let resource = resources.key(thing.id.as_str());
        let properties = resource.key("Properties");
        for (name, value) in &thing.resource.properties {
            walk(value, &properties.key(name), &mut tell);
        }
        for (name, value) in &thing.resource.rest {
            walk(value, &resource.key(name), &mut tell);
        }
    }
    for (name, output) in &view.template.outputs {
        let trail = outputs.key(name);
        walk(&output.value, &trail.key("Value"), &mut tell);
        output.rest.iter().for_each(|(name, value)| walk(value, &trail.key(name), &mut tell));
    }
    functions_of_conditions(view, tell);
}

/// As [`functions`], of the section `Conditions` alone.
pub fn functions_of_conditions<'a>(view: &TemplateView<'a>, mut tell: impl FnMut(&Trail<'_>, &'a str, &'a Json)) {
    let start = Trail::Start;
    let conditions = start.key("Conditions");
    for (name, condition) in &view.template.conditions {
        walk(condition, &conditions.key(name), &mut tell);
    }
}

fn walk<'a>(value: &'a Json, trail: &Trail<'_>, tell: &mut impl FnMut(&Trail<'_>, &'a str, &'a Json)) {
    match value {
        Json::Array(items) => items.iter().enumerate().for_each(|(at, item)| walk(item, &trail.item(at), tell)),
        Json::Object(entries) => {
            if let Some((name, argument)) = function(entries) {
                tell(trail, name, argument);
            }
            let loops = |key: &str| key.starts_with("Fn::ForEach::") || key == "Fn::Transform";
            for (key, inner) in entries.iter().filter(|(key, _)| !loops(key)) {
                walk(inner, &trail.key(key), tell);
            }
        }
        _ => {}
    }
}
