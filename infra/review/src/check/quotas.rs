//! CloudFormation's own limits.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
};
use crate::check::context::Facts;
use cfn::Path;

const RESOURCES: usize = 500;
const PARAMETERS: usize = 200;
const OUTPUTS: usize = 200;
const MAPPINGS: usize = 200;
/// Bytes of a template in S3, and of one in the request itself.
const BYTES: usize = 1_000_000;
const BYTES_INLINE: usize = 51_200;
/// Bytes of the template's description, and of an output's.
const DESCRIPTION_BYTES: usize = 1024;
/// Characters of a parameter's, a mapping's or an output's name.
const NAME: usize = 255;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "QUOTA-1",
        severity: Error,
        title: "a template has 1 to 500 resources",
        why: "CloudFormation refuses a template with none, and one with more",
        mend: "add a resource, or split the template into several stacks",
        find: resources,
    },
    Rule {
        id: "QUOTA-2",
        severity: Error,
        title: "at most 200 parameters, 200 outputs and 200 mappings",
        why: "CloudFormation refuses a template with more",
        mend: "split the template into several stacks",
        find: entries,
    },
    Rule {
        id: "QUOTA-3",
        severity: Error,
        title: "a template has at most 1,000,000 bytes",
        why: "CloudFormation takes no more, even from S3",
        mend: "split the template into several stacks",
        find: bytes,
    },
    Rule {
        id: "QUOTA-4",
        severity: Warning,
        title: "a template has at most 51,200 bytes",
        why: "a larger one is not taken in a request: it must be uploaded to S3 first",
        mend: "deploy it from S3, and waive this in the template's Metadata; or make it smaller",
        find: bytes_inline,
    },
    Rule {
        id: "QUOTA-5",
        severity: Error,
        title: "descriptions have at most 1024 bytes",
        why: "CloudFormation refuses a longer one",
        mend: "shorten it",
        find: descriptions,
    },
    Rule {
        id: "QUOTA-6",
        severity: Error,
        title: "names are letters and digits, at most 255",
        why: "CloudFormation refuses other names of parameters, conditions, mappings and outputs",
        mend: "shorten the name, or remove the other characters",
        find: names,
    },
];

fn resources(facts: &Facts<'_>) -> Vec<Fault> {
    let count = facts.template.resources.len();
    let path = Path::default().key("Resources");
    match count {
        0 if !facts.may_grow() => vec![Fault::new(path, "the template has no resources")],
        _ if count > RESOURCES => vec![Fault::new(path, format!("{count} resources"))],
        _ => Vec::new(),
    }
}

fn entries(facts: &Facts<'_>) -> Vec<Fault> {
    let template = facts.template;
    let counted = [
        ("Parameters", template.parameters.len(), PARAMETERS),
        ("Outputs", template.outputs.len(), OUTPUTS),
        ("Mappings", template.mappings.len(), MAPPINGS),
    ];
    let too_many = counted.into_iter().filter(|(_, count, most)| count > most);
    too_many
        .map(|(section, count, most)| {
            Fault::new(Path::default().key(section), format!("{count} {}, at most {most}", section.to_lowercase()))
        })
        .collect()
}

fn bytes(facts: &Facts<'_>) -> Vec<Fault> {
    let size = facts.size();
    let too_large = size > BYTES;
    too_large
        .then(|| Fault::new(Path::default(), format!("{size} bytes, written as short as can be")))
        .into_iter()
        .collect()
}

fn bytes_inline(facts: &Facts<'_>) -> Vec<Fault> {
    let size = facts.size();
    let too_large = (BYTES_INLINE + 1..=BYTES).contains(&size);
    too_large
        .then(|| Fault::new(Path::default(), format!("{size} bytes, written as short as can be")))
        .into_iter()
        .collect()
}

fn descriptions(facts: &Facts<'_>) -> Vec<Fault> {
    let own = facts.template.description.as_deref().map(|text| (Path::default().key("Description"), text));
    let outputs = facts.template.outputs.iter().filter_map(|(name, output)| {
        let path = Path::default().key("Outputs").key(name).key("Description");
        output.description.as_deref().map(|text| (path, text))
    });
    let too_long = own.into_iter().chain(outputs).filter(|(_, text)| text.len() > DESCRIPTION_BYTES);
    too_long.map(|(path, text)| Fault::new(path, format!("{} bytes", text.len()))).collect()
}

fn names(facts: &Facts<'_>) -> Vec<Fault> {
    let template = facts.template;
    let sections: [(&str, Vec<&String>); 4] = [
        ("Parameters", template.parameters.keys().collect()),
        ("Mappings", template.mappings.keys().collect()),
        ("Conditions", template.conditions.keys().collect()),
        ("Outputs", template.outputs.keys().collect()),
    ];
    let all = sections.into_iter().flat_map(|(section, names)| names.into_iter().map(move |name| (section, name)));
    let fits = |section: &str, name: &str| {
        // Conditions may have these two as well.
        let more: &[u8] = if section == "Conditions" { b"&_" } else { b"" };
        name.len() <= NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let wrong = all.filter(|(section, name)| !name.starts_with("Fn::") && !fits(section, name));
    wrong
        .map(|(section, name)| {
            let begin: String = name.chars().take(40).collect();
            let said = if name.len() > NAME {
                format!("the name {begin}... has {} characters", name.len())
            } else {
                format!("the name {name} has other characters than letters and digits")
            };
            Fault::new(Path::default().key(section).key(name), said)
        })
        .collect()
}
