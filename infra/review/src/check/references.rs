//! Names that lead nowhere, and circles.

use serde_json::{Map, Value as Json};

use super::{Fault, Rule, Severity::Error, queues};
use crate::check::context::Facts;
use cfn::view::{
    functions, functions_of_conditions,
    text::{Piece, Text},
};
use cfn::{Path, graph};

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

/// The names that a function refers to, each with whether an attribute of it is meant.
fn names(function: &str, argument: &Json) -> Vec<(String, bool)> {
    let text = match function {
        "Ref" | "Fn::GetAtt" | "Fn::Sub" => Text::of_function(function, argument),
        _ => return Vec::new(),
    };
    // What `Fn::Sub` is given for its own names is walked on its own.
    let inner: Vec<&str> = match argument {
        Json::Array(list) if function == "Fn::Sub" => list.get(1).map(graph::names).unwrap_or_default(),
        _ => Vec::new(),
    };
    let pieces = text.pieces().iter().filter_map(|piece| match piece {
        Piece::Ref(name) => Some((name.clone(), false)),
        Piece::Attribute(name, _) => Some((name.clone(), true)),
        Piece::Literal(_) | Piece::Unknown => None,
    });
    pieces.filter(|(name, _)| !inner.contains(&name.as_str())).collect()
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
    functions(facts, |trail, function, argument| {
        for (name, _) in names(function, argument).into_iter().filter(|(name, _)| !is_known(facts, name)) {
            faults.push(Fault::new(trail.path(), format!("{name} is neither a resource nor a parameter")));
        }
    });
    faults
}

fn attribute_of_parameter(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    functions(facts, |trail, function, argument| {
        for (name, _) in names(function, argument).into_iter().filter(|(_, attribute)| *attribute) {
            let parameter = name.starts_with("AWS::") || facts.template.parameters.contains_key(&name);
            if parameter && !facts.template.resources.contains_key(name.as_str()) {
                faults.push(Fault::new(trail.path(), format!("{name} is a parameter and has no attributes")));
            }
        }
    });
    faults
}

fn depends_on(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.resources() {
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
    for thing in facts.resources() {
        used.extend(thing.resource.condition.as_deref().map(|name| (thing.path().key("Condition"), name)));
    }
    for (name, output) in &facts.template.outputs {
        let path = Path::default().key("Outputs").key(name).key("Condition");
        used.extend(output.rest.get("Condition").and_then(Json::as_str).map(|name| (path, name)));
    }
    functions(facts, |trail, function, argument| match function {
        "Fn::If" => used.extend(argument.get(0).and_then(Json::as_str).map(|name| (trail.path(), name))),
        "Condition" => {
            let path = trail.path();
            // Elsewhere it is a property's name, such as that of a policy's statement.
            let in_conditions = path.keys().next() == Some("Conditions");
            used.extend(argument.as_str().filter(|_| in_conditions).map(|name| (path, name)));
        }
        _ => {}
    });
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
    functions(facts, |trail, function, argument| {
        let missing = if function == "Fn::FindInMap" { not_found(mappings, argument) } else { None };
        faults.extend(missing.map(|said| Fault::new(trail.path(), said)));
    });
    faults
}

/// What a look-up does not find, if it certainly does not.
fn not_found(mappings: &Map<String, Json>, argument: &Json) -> Option<String> {
    // The fourth is what to take when nothing is found.
    if argument.get(3).is_some() {
        return None;
    }
    let literal = |at: usize| argument.get(at).and_then(Json::as_str);
    let name = literal(0)?;
    let Some(mapping) = mappings.get(name) else { return Some(format!("there is no mapping {name}")) };
    let grows = |value: &Json| value.as_object().is_none_or(|map| map.keys().any(|key| key.starts_with("Fn::")));
    let first = literal(1).filter(|_| !grows(mapping))?;
    let Some(entry) = mapping.get(first) else { return Some(format!("the mapping {name} has no key {first}")) };
    let second = literal(2).filter(|second| !grows(entry) && entry.get(*second).is_none())?;
    Some(format!("the mapping {name} has no key {second} under {first}"))
}

fn resources_in_conditions(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    functions_of_conditions(facts, |trail, function, argument| {
        let resources = names(function, argument).into_iter().filter(|(name, _)| facts.resource(name).is_some());
        faults.extend(resources.map(|(name, _)| Fault::new(trail.path(), format!("{name} is a resource"))));
    });
    faults
}
