//! Custom names and exports.

use std::collections::HashMap;

use super::{Fault, Rule, Severity::Error};
use crate::check::context::Facts;
use cfn::Path;
use cfn::view::name_property;
use cfn::view::text::Text;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "NAME-1",
        severity: Error,
        title: "no two resources of a type have the same name",
        why: "the second one cannot be made: a name is there once in an account and region",
        mend: "give one of them another name",
        find: collisions,
    },
    Rule {
        id: "NAME-2",
        severity: Error,
        title: "no two outputs are exported under the same name",
        why: "an export's name is there once in an account and region",
        mend: "give one of them another name",
        find: exports,
    },
];

fn collisions(facts: &Facts<'_>) -> Vec<Fault> {
    let mut seen: HashMap<(&str, String), &str> = HashMap::new();
    let mut faults = Vec::new();
    for thing in facts.resources() {
        // Two resources of which a condition takes one may well share a name.
        let property = name_property(&thing.resource.kind).filter(|_| thing.resource.condition.is_none());
        let Some((property, name)) = property.and_then(|property| Some((property, thing.text(property)?))) else {
            continue;
        };
        if !name.is_determined() {
            continue;
        }
        let shown = name.shown();
        match seen.get(&(thing.resource.kind.as_str(), shown.clone())) {
            Some(other) => faults.push(Fault::new(thing.at(property), format!("{other} has the name {shown} already"))),
            None => {
                seen.insert((&thing.resource.kind, shown), thing.id.as_str());
            }
        }
    }
    faults
}

fn exports(facts: &Facts<'_>) -> Vec<Fault> {
    let mut seen: Vec<(Text, &str)> = Vec::new();
    let mut faults = Vec::new();
    for (name, output) in &facts.template.outputs {
        let export = output.rest.get("Export").and_then(|export| export.get("Name"));
        let Some(export) = export.filter(|_| !output.rest.contains_key("Condition")).map(Text::of) else { continue };
        if let Some((_, other)) = seen.iter().find(|(text, _)| text.same(&export)) {
            let path = Path::default().key("Outputs").key(name).key("Export").key("Name");
            faults.push(Fault::new(path, format!("the output {other} is exported as {} already", export.shown())));
        }
        seen.push((export, name));
    }
    faults
}

/// The name that a FIFO queue or topic must have, and others must not.
pub(super) fn fifo_name_faults(facts: &Facts<'_>, kind: &'static str, property: &str, flag: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.all(kind) {
        let (Some(name), Some(fifo)) = (thing.field(property).value(), thing.truth_or(flag, false)) else { continue };
        let text = Text::of(name);
        let Some(ends) = ends_in_fifo(&text) else { continue };
        let shown = text.shown();
        match (fifo, ends) {
            (true, false) => faults.push(Fault::new(thing.at(property), format!("{shown} does not end in .fifo"))),
            (false, true) => {
                faults.push(Fault::new(thing.at(property), format!("{shown} ends in .fifo, and {flag} is not true")))
            }
            _ => {}
        }
    }
    faults
}

/// Whether a name ends in `.fifo`, where its end is known.
fn ends_in_fifo(name: &Text) -> Option<bool> {
    match name.pieces().last()? {
        cfn::view::text::Piece::Literal(end) => Some(end.ends_with(".fifo")),
        _ => None,
    }
}
