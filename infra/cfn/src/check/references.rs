//! Names that lead nowhere, and circles.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::Error,
    facts::Facts,
    queues,
    text::{Piece, Text, function},
};
use crate::{Path, graph};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "REF-1",
        severity: Error,
        title: "a reference leads to a resource or a parameter",
        why: "CloudFormation refuses a template with an unresolved reference",
        mend: "correct the name, or add what it names",
        find: dangling,
    },
    Rule {
        id: "REF-2",
        severity: Error,
        title: "only a resource has attributes",
        why: "Fn::GetAtt and ${Name.Attribute} take a resource; a parameter has a value only",
        mend: "use Ref, or ${Name}",
        find: attribute_of_parameter,
    },
    Rule {
        id: "REF-3",
        severity: Error,
        title: "DependsOn names a resource",
        why: "CloudFormation refuses a template whose DependsOn leads nowhere",
        mend: "correct the name, or remove it",
        find: depends_on,
    },
    Rule {
        id: "REF-4",
        severity: Error,
        title: "a condition is defined",
        why: "CloudFormation refuses a template that names a condition it does not define",
        mend: "define it in the section Conditions, or correct the name",
        find: conditions,
    },
    Rule {
        id: "REF-5",
        severity: Error,
        title: "resources do not need each other in a circle",
        why: "none of them could be made first",
        mend: "let one of them refer to the other by a name that is known beforehand, or move the property that closes the \
               circle into a resource of its own (a policy, a permission)",
        find: circles,
    },
    Rule {
        id: "REF-6",
        severity: Error,
        title: "Fn::FindInMap finds something",
        why: "CloudFormation refuses a look-up in a mapping, or of a key, that is not there",
        mend: "correct the name, or add the entry to the mapping",
        find: look_ups,
    },
    Rule {
        id: "REF-7",
        severity: Error,
        title: "a condition depends on parameters only",
        why: "conditions are decided before any resource is there",
        mend: "refer to a parameter or a pseudo parameter",
        find: resources_in_conditions,
    },
];

/// Every function that a template has, with the way to it: in resources, outputs and conditions, but not in loops, whose
/// bodies have names of their own.
pub(super) fn functions<'a>(facts: &Facts<'a>) -> Vec<(Path, &'a str, &'a Json)> {
    let mut found = Vec::new();
    for thing in facts.things() {
        for (name, value) in &thing.resource.properties {
            walk(value, &thing.at(name), &mut found);
        }
        for (name, value) in &thing.resource.rest {
            walk(value, &thing.path().key(name), &mut found);
        }
    }
    for (name, output) in &facts.template.outputs {
        let path = Path::default().key("Outputs").key(name);
        walk(&output.value, &path.key("Value"), &mut found);
        output.rest.iter().for_each(|(name, value)| walk(value, &path.key(name), &mut found));
    }
    for (name, condition) in &facts.template.conditions {
        walk(condition, &condition_path(name), &mut found);
    }
    found
}

fn walk<'a>(value: &'a Json, path: &Path, found: &mut Vec<(Path, &'a str, &'a Json)>) {
    match value {
        Json::Array(items) => items.iter().enumerate().for_each(|(at, item)| walk(item, &path.item(at), found)),
        Json::Object(entries) => {
            if let Some((name, argument)) = function(entries) {
                found.push((path.clone(), name, argument));
            }
            let loops = |key: &str| key.starts_with("Fn::ForEach::") || key == "Fn::Transform";
            for (key, inner) in entries.iter().filter(|(key, _)| !loops(key)) {
                walk(inner, &path.key(key), found);
            }
        }
        _ => {}
    }
}

fn condition_path(name: &str) -> Path {
    Path::default().key("Conditions").key(name)
}

/// The names that a function refers to, each with whether an attribute of it is meant.
fn names(function: &str, argument: &Json) -> Vec<(String, bool)> {
    let whole = serde_json::json!({ function: argument });
    let text = match function {
        "Ref" | "Fn::GetAtt" | "Fn::Sub" => Text::of(&whole),
        _ => return Vec::new(),
    };
    // What `Fn::Sub` is given for its own names is walked on its own.
    let inner: BTreeSet<String> = match argument {
        Json::Array(list) if function == "Fn::Sub" => {
            let own = list.get(1).map(|own| graph::references(own, "")).unwrap_or_default();
            own.into_iter().map(|(_, name)| name).collect()
        }
        _ => BTreeSet::new(),
    };
    let pieces = text.pieces().iter().filter_map(|piece| match piece {
        Piece::Ref(name) => Some((name.clone(), false)),
        Piece::Attribute(name, _) => Some((name.clone(), true)),
        Piece::Literal(_) | Piece::Unknown => None,
    });
    pieces.filter(|(name, _)| !inner.contains(name)).collect()
}

fn is_known(facts: &Facts<'_>, name: &str) -> bool {
    name.starts_with("AWS::")
        || facts.template.resources.contains_key(name)
        || facts.template.parameters.contains_key(name)
}

fn dangling(facts: &Facts<'_>) -> Vec<Fault> {
    if facts.may_grow() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (path, function, argument) in functions(facts) {
        for (name, _) in names(function, argument).into_iter().filter(|(name, _)| !is_known(facts, name)) {
            faults.push(Fault::new(path.clone(), format!("{name} is neither a resource nor a parameter")));
        }
    }
    faults
}

fn attribute_of_parameter(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, function, argument) in functions(facts) {
        for (name, attribute) in names(function, argument) {
            let parameter = name.starts_with("AWS::") || facts.template.parameters.contains_key(&name);
            if attribute && parameter && !facts.template.resources.contains_key(name.as_str()) {
                faults.push(Fault::new(path.clone(), format!("{name} is a parameter and has no attributes")));
            }
        }
    }
    faults
}

fn depends_on(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.things() {
        for name in &thing.resource.depends_on {
            let path = thing.path().key("DependsOn");
            if !facts.may_grow() && !facts.template.resources.contains_key(name) {
                faults.push(Fault::new(path, format!("{name} is no resource")));
            }
        }
    }
    faults
}

fn conditions(facts: &Facts<'_>) -> Vec<Fault> {
    let defined = &facts.template.conditions;
    if defined.keys().any(|key| key.starts_with("Fn::")) || facts.may_grow() {
        return Vec::new();
    }
    let mut used: Vec<(Path, &str)> = Vec::new();
    for thing in facts.things() {
        used.extend(thing.resource.condition.as_deref().map(|name| (thing.path().key("Condition"), name)));
    }
    for (name, output) in &facts.template.outputs {
        let path = Path::default().key("Outputs").key(name).key("Condition");
        used.extend(output.rest.get("Condition").and_then(Json::as_str).map(|name| (path, name)));
    }
    for (path, function, argument) in functions(facts) {
        let in_conditions = path.to_string().starts_with("Conditions.");
        match function {
            "Fn::If" => used.extend(argument.get(0).and_then(Json::as_str).map(|name| (path, name))),
            // Elsewhere it is a property's name, such as that of a policy's statement.
            "Condition" if in_conditions => used.extend(argument.as_str().map(|name| (path, name))),
            _ => {}
        }
    }
    let unknown = used.into_iter().filter(|(_, name)| !defined.contains_key(*name));
    unknown.map(|(path, name)| Fault::new(path, format!("the condition {name} is not defined"))).collect()
}

fn circles(facts: &Facts<'_>) -> Vec<Fault> {
    let Err(circle) = graph::order(facts.template) else { return Vec::new() };
    let Some(first) = circle.0.first() else { return Vec::new() };
    // A queue that gives up to itself has a rule of its own, which says more.
    let itself = circle.0.len() == 2 && queues::own_dead_letters(facts).any(|target| target.owner.id == first);
    if itself { Vec::new() } else { vec![Fault::new(Path::resource(first.as_str()), circle.to_string())] }
}

fn look_ups(facts: &Facts<'_>) -> Vec<Fault> {
    let mappings = &facts.template.mappings;
    if mappings.keys().any(|key| key.starts_with("Fn::")) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (path, _, argument) in functions(facts).into_iter().filter(|(_, function, _)| *function == "Fn::FindInMap") {
        // The fourth is what to take when nothing is found.
        if argument.get(3).is_some() {
            continue;
        }
        let literal = |at: usize| argument.get(at).and_then(Json::as_str);
        let Some(name) = literal(0) else { continue };
        let Some(mapping) = mappings.get(name) else {
            faults.push(Fault::new(path, format!("there is no mapping {name}")));
            continue;
        };
        let grows = |value: &Json| value.as_object().is_none_or(|map| map.keys().any(|key| key.starts_with("Fn::")));
        let Some(first) = literal(1).filter(|_| !grows(mapping)) else { continue };
        let Some(entry) = mapping.get(first) else {
            faults.push(Fault::new(path, format!("the mapping {name} has no key {first}")));
            continue;
        };
        if let Some(second) = literal(2).filter(|second| !grows(entry) && entry.get(*second).is_none()) {
            faults.push(Fault::new(path, format!("the mapping {name} has no key {second} under {first}")));
        }
    }
    faults
}

fn resources_in_conditions(facts: &Facts<'_>) -> Vec<Fault> {
    let mut found = Vec::new();
    for (name, condition) in &facts.template.conditions {
        walk(condition, &condition_path(name), &mut found);
    }
    let mut faults = Vec::new();
    for (path, function, argument) in found {
        let resources = names(function, argument).into_iter().filter(|(name, _)| facts.thing(name).is_some());
        faults.extend(resources.map(|(name, _)| Fault::new(path.clone(), format!("{name} is a resource"))));
    }
    faults
}
