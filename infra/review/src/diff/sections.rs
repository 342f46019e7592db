//! What differs outside of the resources.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{Fact, Risk, Section, SectionChange, compared::Compared, hidden::Hidden, side::Side, words};
use cfn::Path;

/// Everything outside of the resources that differs, section by section.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, hidden: &Hidden<'_>) -> Vec<SectionChange> {
    let mut changes = Vec::new();
    let mut section = |section: Section, name: &str, old: &Map<String, Json>, new: &Map<String, Json>| {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys.into_iter().filter(|key| old.get(*key) != new.get(*key)) {
            let path = if name.is_empty() { Path::default().key(key) } else { Path::default().key(name).key(key) };
            let show = |value: Option<&Json>| value.map(|value| hidden.show(&path, value));
            changes.push(SectionChange {
                section,
                old: show(old.get(key)),
                new: show(new.get(key)),
                path: path.clone(),
            });
        }
    };
    let (was, is) = (&old.template, &new.template);
    section(Section::Parameters, "Parameters", &object(&was.parameters), &object(&is.parameters));
    section(Section::Mappings, "Mappings", &was.mappings, &is.mappings);
    section(Section::Conditions, "Conditions", &was.conditions, &is.conditions);
    section(Section::Outputs, "Outputs", &object(&*was.outputs), &object(&*is.outputs));
    section(Section::Outputs, "Outputs", &was.outputs.functions, &is.outputs.functions);
    section(Section::Metadata, "Metadata", &was.metadata, &is.metadata);
    section(Section::Other, "Resources", &was.resources.functions, &is.resources.functions);
    section(Section::Other, "", &was.rest, &is.rest);
    let text = |text: &Option<String>| -> Map<String, Json> {
        text.iter().map(|text| ("Description".to_owned(), Json::from(text.as_str()))).collect()
    };
    section(Section::Description, "", &text(&was.description), &text(&is.description));
    changes
}

/// The entries of a section as JSON.
fn object<'a, K: AsRef<str> + 'a, V: serde::Serialize + 'a>(
    entries: impl IntoIterator<Item = (&'a K, &'a V)>,
) -> Map<String, Json> {
    // Sections hold texts and JSON only: they are always written.
    entries
        .into_iter()
        .map(|(key, value)| (key.as_ref().to_owned(), serde_json::to_value(value).unwrap_or(Json::Null)))
        .collect()
}

/// What a reviewer has to know of them.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let of = |section: Section| compared.sections.iter().filter(move |change| change.section == section);
    let name = |change: &SectionChange| change.path.keys().nth(1).unwrap_or_default().to_owned();
    let mut told = |id: &'static str, risk: Risk, what: &str, names: &[String], verb: (&str, &str)| {
        let sentence = match names {
            [] => return,
            [one] => format!("{what} {one} {}", verb.0),
            several => format!("{what}s {} {}", words::listed(several), verb.1),
        };
        facts.push(Fact::new(id, risk, &[], sentence));
    };
    let names = |section: Section, test: fn(&SectionChange) -> bool| -> Vec<String> {
        of(section).filter(|change| test(change)).map(name).collect()
    };
    let added = |change: &SectionChange| change.old.is_none();
    let removed = |change: &SectionChange| change.new.is_none();
    told("output-removed", Risk::Note, "output", &names(Section::Outputs, removed), ("is gone", "are gone"));
    told("output-added", Risk::Note, "output", &names(Section::Outputs, added), ("is added", "are added"));
    let changed: Vec<String> = of(Section::Outputs)
        .filter(|change| value(change.old.as_ref()) != value(change.new.as_ref()) && !added(change) && !removed(change))
        .map(name)
        .collect();
    told("output-changed", Risk::Note, "output", &changed, ("tells something else", "tell something else"));
    let missing: Vec<String> = of(Section::Parameters)
        .filter(|change| added(change) && change.new.as_ref().is_some_and(|new| new.raw().get("Default").is_none()))
        .map(name)
        .filter(|name| !compared.new.known.parameters.contains_key(name))
        .collect();
    told(
        "parameter-wanted",
        Risk::Note,
        "parameter",
        &missing,
        ("is new and must be given a value", "are new and must be given values"),
    );
    let hidden: Vec<String> = of(Section::Parameters).filter(|change| secret_default(change)).map(name).collect();
    told("parameter-hidden", Risk::Note, "the hidden default of parameter", &hidden, ("changes", "change"));
    facts.extend(given_secrets(compared));
    for change in of(Section::Other).filter(|change| change.path.to_string() == "Transform") {
        let all = |value: Option<&super::Shown>| value.map_or_else(|| "none".to_owned(), ToString::to_string);
        let sentence = format!(
            "the template's macros change from {} to {}: what they make of it is not known",
            all(change.old.as_ref()),
            all(change.new.as_ref())
        );
        facts.push(Fact::new("macros-changed", Risk::Interruption, &[], sentence));
    }
    for change in of(Section::Other).filter(|change| change.path.to_string().contains("Fn::")) {
        let sentence = format!("{} changes: the resources that it makes are known to CloudFormation only", change.path);
        facts.push(Fact::new("loop-changed", Risk::Interruption, &[], sentence));
    }
    facts
}

fn value(output: Option<&super::Shown>) -> Option<&Json> {
    output.and_then(|output| output.raw().get("Value"))
}

fn secret_default(change: &SectionChange) -> bool {
    let default = |side: Option<&super::Shown>| side.and_then(|side| side.raw().get("Default")).cloned();
    let no_echo = change.new.as_ref().is_some_and(|new| new.raw().get("NoEcho").is_some_and(super::normalize::is_true));
    no_echo && change.old.is_some() && default(change.old.as_ref()) != default(change.new.as_ref())
}

/// Values of parameters with `NoEcho` that were given, and are others now.
fn given_secrets(compared: &Compared<'_>) -> Vec<Fact> {
    let (old, new) = (&compared.old.known.parameters, &compared.new.known.parameters);
    let hidden = compared
        .new
        .given
        .parameters
        .iter()
        .filter(|(_, parameter)| parameter.rest.get("NoEcho").is_some_and(super::normalize::is_true));
    let changed = hidden.filter(|(name, _)| old.contains_key(*name) && old.get(*name) != new.get(*name));
    let facts = changed.map(|(name, _)| {
        let sentence = format!("the hidden value of parameter {name} changes");
        Fact::new("parameter-hidden", Risk::Note, &[], sentence)
    });
    facts.collect()
}
