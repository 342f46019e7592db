//! Writes a service's schemas as tables of `cfn::schema`.

use std::fmt::Write;

use super::{
    catalogue::{self, Reference},
    emit::{MARKER, link, short},
    naming::constant,
    schema::{Group, List, Object, Resource, Shape, Text},
};

/// The module of a service's schemas.
pub(super) fn module(service_name: &str, resources: &[Resource]) -> String {
    let mut body = String::new();
    for resource in resources {
        table(&mut body, resource);
    }
    let used = ["Group", "List", "Map", "Number", "Object", "Reference", "ResourceSchema", "Shape", "Text", "Whole"];
    let constructed = |name: &&&str| {
        body.contains(&format!("{name} {{"))
            || body.contains(&format!(" {name}::"))
            || body.contains(&format!("({name}::"))
            || body.contains(&format!("[{name}::"))
    };
    let used: Vec<_> = used.iter().filter(constructed).copied().collect();
    format!("{MARKER}//! The schemas of `AWS::{service_name}`.\n\nuse crate::schema::{{{}}};\n{body}", used.join(", "))
}

fn table(out: &mut String, resource: &Resource) {
    let name = constant(short(&resource.kind));
    let attributes: Vec<_> = resource
        .attributes
        .iter()
        .map(|(attribute, shape)| match shape {
            Shape::Text(text) => format!("({attribute:?}, &{:?})", text.formats),
            _ => format!("({attribute:?}, &[])"),
        })
        .collect();
    let reference = match catalogue::reference(&resource.kind, &resource.primary_identifier) {
        Some(Reference::Arn) => "Arn",
        Some(Reference::Url) => "Url",
        Some(Reference::Name) => "Name",
        Some(Reference::Foreign) => "Foreign",
        Some(Reference::Id) | None => "Id",
    };
    let _ = writeln!(
        out,
        "\npub(in crate::resources) static {name}: ResourceSchema = ResourceSchema {{\n\
         kind: {:?},\nlink: {:?},\nproperties: &{},\nattributes: &[{}],\nreference: Reference::{reference},\n}};",
        resource.kind,
        link(&resource.kind),
        object(&name, &resource.root),
        attributes.join(", "),
    );
    for (inside, members) in &resource.objects {
        let _ = writeln!(out, "\nstatic {}_OF_{name}: Object = {};", constant(inside), object(&name, members));
    }
}

fn object(owner: &str, object: &Object) -> String {
    let properties: Vec<_> =
        object.properties.iter().map(|(name, members)| format!("({name:?}, {})", shape(owner, members))).collect();
    let groups: Vec<_> = object
        .groups
        .iter()
        .map(|group| match group {
            Group::ExactlyOne(names) => format!("Group::ExactlyOne(&{names:?})"),
            Group::AtLeastOne(names) => format!("Group::AtLeastOne(&{names:?})"),
            Group::Excludes(name, others) => format!("Group::Excludes({name:?}, &{others:?})"),
            Group::Needs(name, others) => format!("Group::Needs({name:?}, &{others:?})"),
        })
        .collect();
    format!(
        "Object {{ properties: &[{}], required: &{:?}, open: {}, groups: &[{}] }}",
        properties.join(", "),
        object.required,
        object.open,
        groups.join(", ")
    )
}

fn shape(owner: &str, shape_of: &Shape) -> String {
    match shape_of {
        Shape::Text(of) => format!("Shape::Text({})", text(of)),
        Shape::Whole { one_of, min, max } => {
            let one_of = (!one_of.is_empty()).then(|| format!("one_of: &{one_of:?}"));
            format!("Shape::Whole({})", limited("Whole", [one_of, limit("min", *min), limit("max", *max)]))
        }
        Shape::Number { min, max } => {
            let limit = |name, value: &Option<f64>| limit(name, value.map(|value| format!("{value:?}")));
            format!("Shape::Number({})", limited("Number", [limit("min", min), limit("max", max)]))
        }
        Shape::Bool => "Shape::Bool".to_owned(),
        Shape::Json => "Shape::Json".to_owned(),
        Shape::Any => "Shape::Any".to_owned(),
        Shape::List(of) => {
            let List { items, min, max, unique, ordered } = &**of;
            format!(
                "Shape::List(&List {{ items: {}, min: {min:?}, max: {max:?}, unique: {unique}, ordered: {ordered} }})",
                shape(owner, items)
            )
        }
        Shape::Map { names, values, max } => {
            format!("Shape::Map(&Map {{ names: {names:?}, values: {}, max: {max:?} }})", shape(owner, values))
        }
        Shape::Object(name) => format!("Shape::Object(&{}_OF_{owner})", constant(name)),
    }
}

fn text(text: &Text) -> String {
    let several = |name: &str, values: &[String]| (!values.is_empty()).then(|| format!("{name}: &{values:?}"));
    let pattern = text.pattern.as_ref().map(|pattern| format!("pattern: Some({})", raw(pattern)));
    let one_of = several("one_of", &text.one_of);
    limited(
        "Text",
        [one_of, pattern, limit("min", text.min), limit("max", text.max), several("formats", &text.formats)],
    )
}

fn limit(name: &str, value: Option<impl std::fmt::Display>) -> Option<String> {
    value.map(|value| format!("{name}: Some({value})"))
}

/// A struct of which only what differs from `ANY` is written.
fn limited<const N: usize>(name: &str, given: [Option<String>; N]) -> String {
    let given: Vec<_> = given.into_iter().flatten().collect();
    match given.len() {
        0 => format!("{name}::ANY"),
        len if len == N => format!("{name} {{ {} }}", given.join(", ")),
        _ => format!("{name} {{ {}, ..{name}::ANY }}", given.join(", ")),
    }
}

/// A text as a raw literal, which shows a regular expression as it is.
fn raw(text: &str) -> String {
    let fences = if text.contains('"') { "#" } else { "" };
    format!("r{fences}\"{text}\"{fences}")
}
