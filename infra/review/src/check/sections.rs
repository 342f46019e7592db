//! A template's sections and the attributes of their entries.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>

use serde_json::Value as Json;

use super::{Fault, Rule, Severity::Error};
use crate::check::context::Facts;
use cfn::{Parameter, Path};

/// Sections that a [`Template`](cfn::Template) does not name itself. The last four belong to tools that work on a
/// template before CloudFormation sees it.
const SECTIONS: [&str; 7] = ["Rules", "Transform", "Hooks", "Globals", "Modules", "Constants", "Packages"];

/// Attributes that a [`Resource`](cfn::Resource) does not name itself. `Version` is a custom resource's, `Connectors` a
/// serverless one's.
const ATTRIBUTES: [&str; 4] = ["CreationPolicy", "UpdatePolicy", "Version", "Connectors"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "TPL-1",
        severity: Error,
        title: "the format version is 2010-09-09",
        why: "it is the only one there is, not the day on which the template was written",
        mend: "write AWSTemplateFormatVersion: \"2010-09-09\", or leave it out",
        find: version,
    },
    Rule {
        id: "TPL-2",
        severity: Error,
        title: "a template has only sections that CloudFormation knows",
        why: "CloudFormation refuses others (Invalid template property)",
        mend: "correct the name, or move it to Metadata",
        find: sections,
    },
    Rule {
        id: "TPL-3",
        severity: Error,
        title: "an entry has only attributes that CloudFormation knows",
        why: "CloudFormation refuses others, or passes over what was meant",
        mend: "correct the name; what belongs to the thing itself stands in Properties",
        find: attributes,
    },
    Rule {
        id: "TPL-4",
        severity: Error,
        title: "a parameter's type is one that CloudFormation knows",
        why: "CloudFormation refuses others",
        mend: "use String, Number, List<Number>, CommaDelimitedList, or a type of AWS's own",
        find: parameter_types,
    },
    Rule {
        id: "TPL-5",
        severity: Error,
        title: "a parameter allows its own default",
        why: "CloudFormation refuses the stack when the default is taken",
        mend: "change Default, or what is allowed",
        find: defaults,
    },
    Rule {
        id: "TPL-6",
        severity: Error,
        title: "DeletionPolicy and UpdateReplacePolicy are ones that CloudFormation knows",
        why: "CloudFormation refuses others; RetainExceptOnCreate is for deletion only",
        mend: "use Retain, Delete, Snapshot (where the type has snapshots), or RetainExceptOnCreate for DeletionPolicy",
        find: policies,
    },
];

fn version(facts: &Facts<'_>) -> Vec<Fault> {
    let version = facts.template.format_version.as_deref().filter(|version| *version != "2010-09-09");
    let path = Path::default().key("AWSTemplateFormatVersion");
    version.into_iter().map(|version| Fault::new(path.clone(), format!("there is no version {version}"))).collect()
}

fn sections(facts: &Facts<'_>) -> Vec<Fault> {
    let unknown = facts.template.rest.keys().filter(|name| !SECTIONS.contains(&name.as_str()) && !is_function(name));
    unknown.map(|name| Fault::new(Path::default().key(name), format!("there is no section {name}"))).collect()
}

fn is_function(name: &str) -> bool {
    name.starts_with("Fn::")
}

fn attributes(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.resources() {
        for name in thing.resource.rest.keys().filter(|name| !ATTRIBUTES.contains(&name.as_str()) && !is_function(name))
        {
            faults.push(Fault::new(thing.path().key(name), format!("a resource has no attribute {name}")));
        }
    }
    for (name, output) in &facts.template.outputs {
        let path = Path::default().key("Outputs").key(name);
        for key in
            output.rest.keys().filter(|key| !["Export", "Condition"].contains(&key.as_str()) && !is_function(key))
        {
            faults.push(Fault::new(path.key(key), format!("an output has no attribute {key}")));
        }
    }
    faults
}

fn parameters<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (Path, &'a Parameter)> {
    let all = facts.template.parameters.iter();
    all.map(|(name, parameter)| (Path::default().key("Parameters").key(name), parameter))
}

fn parameter_types(facts: &Facts<'_>) -> Vec<Fault> {
    let known = |kind: &str| {
        ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"].contains(&kind)
            || kind.starts_with("AWS::")
            || kind.starts_with("List<AWS::")
    };
    let unknown = parameters(facts).filter(|(_, parameter)| !known(&parameter.kind));
    unknown
        .map(|(path, parameter)| Fault::new(path.key("Type"), format!("there is no type {}", parameter.kind)))
        .collect()
}

fn defaults(facts: &Facts<'_>) -> Vec<Fault> {
    let all = parameters(facts);
    all.filter_map(|(path, parameter)| Some(Fault::new(path.key("Default"), default_fault(parameter)?))).collect()
}

/// Why a parameter does not take its default, if it does not. Lists and AWS's own types are checked item by item or by AWS,
/// and patterns in a language of their own.
fn default_fault(parameter: &Parameter) -> Option<String> {
    if !["String", "Number"].contains(&parameter.kind.as_str()) {
        return None;
    }
    let default = text(parameter.default.as_ref()?)?;
    if let Some(Json::Array(allowed)) = parameter.rest.get("AllowedValues")
        && !allowed.iter().any(|allowed| text(allowed).is_none_or(|allowed| allowed == default))
    {
        return Some(format!("{default} is not among AllowedValues"));
    }
    let limit = |name: &str| parameter.rest.get(name).and_then(text)?.parse::<f64>().ok();
    let (measured, least, most, unit) = match parameter.kind.as_str() {
        "Number" => (default.parse::<f64>().ok(), limit("MinValue"), limit("MaxValue"), ""),
        // No template is so long that a float could not count it.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        _ => (Some(default.chars().count() as f64), limit("MinLength"), limit("MaxLength"), " characters"),
    };
    let Some(measured) = measured else { return Some(format!("{default} is no number")) };
    let too_small = least.filter(|least| measured < *least).map(|least| format!("less than {least}"));
    let too_large = most.filter(|most| measured > *most).map(|most| format!("more than {most}"));
    Some(format!("{measured}{unit}: {}", too_small.or(too_large)?))
}

/// A text or a number as CloudFormation compares it.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn policies(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.resources() {
        let both = [
            (
                "DeletionPolicy",
                &thing.resource.deletion_policy,
                &["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"][..],
            ),
            ("UpdateReplacePolicy", &thing.resource.update_replace_policy, &["Delete", "Retain", "Snapshot"]),
        ];
        for (name, policy, known) in both {
            let unknown = policy.as_ref().and_then(Json::as_str).filter(|policy| !known.contains(policy));
            faults.extend(
                unknown.map(|policy| Fault::new(thing.path().key(name), format!("there is no {name} {policy}"))),
            );
        }
    }
    faults
}
