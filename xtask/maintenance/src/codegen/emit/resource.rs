//! Writes one resource type: its struct, accessors for what `Ref` and `Fn::GetAtt` give, and what is inside it.

use std::{collections::BTreeSet, fmt::Write};

use super::{imports, link, short};
use crate::codegen::{
    catalogue::{self, MARKERS, Reference, SERVICES, UNIONS},
    naming::{camel, pascal, service, snake, type_name, variant},
    schema::{Object, Resource, Shape, Text},
};

/// Properties that hold an IAM policy.
const POLICIES: &[&str] = &["AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument", "ResourcePolicy"];

/// What is written of a resource.
pub(super) struct Writer<'a> {
    resource: &'a Resource,
    /// Enums inside the resource, by name, with their values.
    enums: Vec<(String, Vec<String>)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(resource: &'a Resource) -> Self {
        let mut writer = Self { resource, enums: Vec::new() };
        writer.gather(None, &resource.root);
        for (name, object) in &resource.objects {
            writer.gather(Some(name), object);
        }
        writer
    }

    /// Names the enums of an object's members.
    fn gather(&mut self, owner: Option<&str>, object: &Object) {
        for (name, shape) in &object.properties {
            let values = enum_values(shape);
            if values.is_empty() || self.enum_of(owner, name, values).is_some() {
                continue;
            }
            let plain = type_name(singular(name, shape));
            let taken = |other: &str| {
                self.enums.iter().any(|(taken, _)| taken == other)
                    || self.resource.objects.iter().any(|(taken, _)| type_name(taken) == other)
            };
            let long = format!("{}{plain}", owner.map_or_else(|| struct_name(&self.resource.kind), type_name));
            let chosen = if taken(&plain) { long } else { plain };
            self.enums.push((chosen, values.to_vec()));
        }
    }

    /// The name of the enum of a member, once it has one.
    fn enum_of(&self, owner: Option<&str>, name: &str, values: &[String]) -> Option<&str> {
        let ending = type_name(name).trim_end_matches('s').to_owned();
        let fits = |(_, other): &&(String, Vec<String>)| {
            other.len() == values.len() && values.iter().all(|value| other.contains(value))
        };
        let long = format!("{}{ending}", owner.map_or_else(|| struct_name(&self.resource.kind), type_name));
        let all = || self.enums.iter().filter(fits);
        let exact = all().find(|(other, _)| other.trim_end_matches('s') == long);
        exact.or_else(|| all().find(|(other, _)| other.trim_end_matches('s') == ending)).map(|(name, _)| name.as_str())
    }

    pub(super) fn resource(&self, out: &mut String) {
        let resource = self.resource;
        let name = struct_name(&resource.kind);
        let link = link(&resource.kind);
        let _ = writeln!(out, "\n/// `{}`: <{link}>", resource.kind);
        self.structure(out, None, &name, &resource.root);
        let _ = writeln!(out, "\nimpl Kind for {name} {{\nconst TYPE: &'static str = \"{}\";", resource.kind);
        if catalogue::stateful(&resource.kind) {
            out.push_str("const STATEFUL: bool = true;\n");
        }
        out.push_str("}\n");
        self.accessors(out, &name);
        self.inside(out);
    }

    /// The structs and enums inside the resource, in a module of its name.
    fn inside(&self, out: &mut String) {
        let mut body = String::new();
        for (name, object) in self.resource.objects.iter().filter(|(name, object)| !is_tag(name, object)) {
            body.push('\n');
            self.structure(&mut body, Some(name), &type_name(name), object);
        }
        for (name, values) in &self.enums {
            let _ = writeln!(body, "\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]\npub enum {name} {{");
            for value in values {
                let variant = variant(value);
                if variant != *value {
                    let _ = writeln!(body, "#[serde(rename = {value:?})]");
                }
                let _ = writeln!(body, "{variant},");
            }
            body.push_str("}\n");
        }
        if !body.is_empty() {
            let module = snake(&struct_name(&self.resource.kind));
            let imports = imports(&body, false);
            let _ = writeln!(out, "\npub mod {module} {{\n{imports}{body}}}");
        }
    }

    /// A struct of an object's members, the required ones first.
    fn structure(&self, out: &mut String, owner: Option<&str>, name: &str, object: &Object) {
        let required = |member: &str| object.required.iter().any(|other| other == member);
        let (first, then): (Vec<_>, Vec<_>) = object.properties.iter().partition(|(member, _)| required(member));
        let first: Vec<_> =
            first.iter().map(|(member, shape)| (member, self.value_type(owner, member, shape))).collect();
        out.push_str(if first.is_empty() { "#[derive(Default, Serialize)]\n" } else { "#[derive(Serialize)]\n" });
        // AWS writes a few structures in small letters.
        let small =
            object.properties.iter().any(|(member, _)| member.starts_with(|letter: char| letter.is_ascii_lowercase()));
        let case = if small { "camelCase" } else { "PascalCase" };
        if object.properties.is_empty() {
            let _ = writeln!(out, "pub struct {name} {{}}");
            return;
        }
        let _ = writeln!(out, "#[serde(rename_all = \"{case}\")]\npub struct {name} {{");
        let field = |out: &mut String, member: &str, kind: &str| {
            let field = snake(member);
            let natural = if small { camel(&field) } else { pascal(&field) };
            if natural != *member {
                let _ = writeln!(out, "#[serde(rename = \"{member}\")]");
            }
            let _ = writeln!(out, "pub {field}: {kind},");
        };
        for (member, kind) in &first {
            field(out, member, kind);
        }
        for (member, shape) in &then {
            field(out, member, &format!("Option<{}>", self.value_type(owner, member, shape)));
        }
        out.push_str("}\n");
        // Where all members are required, a literal says it best.
        if !first.is_empty() && !then.is_empty() {
            let arguments: Vec<_> = first.iter().map(|(member, kind)| format!("{}: {kind}", snake(member))).collect();
            let given: Vec<_> = first.iter().map(|(member, _)| snake(member)).collect();
            let absent: Vec<_> = then.iter().map(|(member, _)| format!("{}: None", snake(member))).collect();
            let all = [given, absent].concat().join(", ");
            let _ = writeln!(
                out,
                "\nimpl {name} {{\npub fn new({}) -> Self {{\nSelf {{ {all} }}\n}}\n}}",
                arguments.join(", ")
            );
        }
    }

    fn accessors(&self, out: &mut String, name: &str) {
        let resource = self.resource;
        let own = self.path_of(&resource.kind).unwrap_or_default();
        let mut body = String::new();
        let mut taken = Vec::new();
        let reference = catalogue::reference(&resource.kind, &resource.primary_identifier);
        if let Some((accessor, marker)) = reference.and_then(|reference| canonical(reference, name)) {
            let _ = writeln!(body, "pub fn {accessor}(&self) -> Value<{marker}<{own}>> {{\nself.reference()\n}}\n");
            taken.push(accessor);
        }
        // What `Ref` gives needs no second way to it.
        let once_more = |attribute: &String| reference.is_some() && resource.primary_identifier == [attribute.clone()];
        let simple = |shape: &Shape| !matches!(shape, Shape::Json | Shape::Any);
        let attributes = resource.attributes.iter();
        for (attribute, shape) in attributes.filter(|(attribute, shape)| simple(shape) && !once_more(attribute)) {
            let (accessor, kind) = self.attribute(attribute, shape, name, &own);
            if !taken.contains(&accessor) {
                let _ = writeln!(
                    body,
                    "pub fn {accessor}(&self) -> Value<{kind}> {{\nself.attribute(\"{attribute}\")\n}}\n"
                );
                taken.push(accessor);
            }
        }
        if !body.is_empty() {
            let _ = writeln!(out, "\nimpl Handle<{name}> {{\n{}}}", body.trim_end_matches('\n').to_owned() + "\n");
        }
    }

    /// The name of an attribute's accessor, and what its value means.
    fn attribute(&self, attribute: &str, shape: &Shape, name: &str, own: &str) -> (String, String) {
        let kind = self.meaning(None, attribute, shape);
        let own_arn = attribute == "Arn" || attribute == format!("{name}Arn");
        let references = [Reference::Arn, Reference::Url, Reference::Name, Reference::Id];
        let of_own = references.into_iter().filter_map(|reference| canonical(reference, name));
        for (accessor, marker) in of_own {
            let whole = format!("{marker}<{own}>");
            let own_id = marker == "Id" && attribute == format!("{name}Id");
            if kind == whole || own_arn && marker == "Arn" || own_id {
                return (accessor, whole);
            }
        }
        (snake(attribute).trim_start_matches("r#").to_owned(), kind)
    }

    fn value_type(&self, owner: Option<&str>, member: &str, shape: &Shape) -> String {
        let path = owner.map_or_else(|| member.to_owned(), |owner| format!("{owner}.{member}"));
        if catalogue::sensitive(&self.resource.kind).contains(&path.as_str()) {
            return "Value<Sensitive>".to_owned();
        }
        format!("Value<{}>", self.meaning(owner, member, shape))
    }

    /// What stands between the brackets of `Value<..>`.
    fn meaning(&self, owner: Option<&str>, member: &str, shape: &Shape) -> String {
        // Beside the resource, what is inside it goes by its module.
        let inside = |name: &str| match owner {
            Some(_) => name.to_owned(),
            None => format!("{}::{name}", snake(&struct_name(&self.resource.kind))),
        };
        match shape {
            Shape::Whole { .. } => "i64".to_owned(),
            Shape::Number { .. } => "f64".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Json if POLICIES.contains(&member) => "PolicyDocument".to_owned(),
            Shape::Json | Shape::Any => "Json".to_owned(),
            Shape::List(list) => format!("List<{}>", self.meaning(owner, member, &list.items)),
            // Whatever a variable holds, a program reads it as text.
            Shape::Map { values, .. } if matches!(**values, Shape::Any) => "Map<String>".to_owned(),
            Shape::Map { values, .. } => format!("Map<{}>", self.meaning(owner, member, values)),
            Shape::Object(name) => match self.resource.objects.iter().find(|(other, _)| other == name) {
                Some((_, object)) if is_tag(name, object) => "Tag".to_owned(),
                _ => inside(&type_name(name)),
            },
            Shape::Text(text) => match self.enum_of(owner, member, &text.one_of) {
                Some(name) if !text.one_of.is_empty() => inside(name),
                _ => self.text(text),
            },
        }
    }

    fn text(&self, text: &Text) -> String {
        if let Some((union, _)) = UNIONS.iter().find(|(_, formats)| *formats == text.formats.as_slice()) {
            return format!("union::{union}");
        }
        let [format] = text.formats.as_slice() else { return "String".to_owned() };
        if let Some((_, marker)) = MARKERS.iter().find(|(other, _)| other == format) {
            return format!("union::{marker}");
        }
        let format = format.replace("AWS::ACM::", "AWS::CertificateManager::");
        let Some((kind, what)) = format.rsplit_once('.') else { return "String".to_owned() };
        let marker = match what {
            "Arn" => "Arn",
            "Url" => "Url",
            "Id" => "Id",
            "Name" | "AliasName" => "Name",
            _ => return "String".to_owned(),
        };
        let own_name = kind == self.resource.kind && what.ends_with("Name");
        match self.path_of(kind) {
            // The name that one gives a resource is a text; what others call it by is its name.
            Some(path) if !own_name || text.max.is_none() && text.pattern.is_none() => format!("{marker}<{path}>"),
            _ => "String".to_owned(),
        }
    }

    /// Where the struct of a resource type stands, if there is one.
    fn path_of(&self, kind: &str) -> Option<String> {
        let mut parts = kind.split("::").skip(1);
        let (in_service, name) = (parts.next()?, parts.next()?);
        let known = SERVICES.iter().any(|service| service.name == in_service && service.resources.contains(&name));
        known.then(|| format!("{}::{}", service(in_service), struct_name(kind)))
    }
}

/// The accessor and the marker for what `Ref` gives.
fn canonical(reference: Reference, name: &str) -> Option<(String, &'static str)> {
    Some(match reference {
        Reference::Arn => ("arn".to_owned(), "Arn"),
        Reference::Url => ("url".to_owned(), "Url"),
        Reference::Name => ("name".to_owned(), "Name"),
        Reference::Id => (format!("{}_id", snake(name)), "Id"),
        Reference::Foreign => return None,
    })
}

fn enum_values(shape: &Shape) -> &[String] {
    match shape {
        // Variants that would be called alike cannot be an enum.
        Shape::Text(text) => {
            let names: BTreeSet<_> = text.one_of.iter().map(|value| variant(value)).collect();
            if names.len() == text.one_of.len() { &text.one_of } else { &[] }
        }
        Shape::List(list) => enum_values(&list.items),
        Shape::Map { values, .. } => enum_values(values),
        _ => &[],
    }
}

/// One of a list is called without the plural's ending.
fn singular<'n>(name: &'n str, shape: &Shape) -> &'n str {
    match shape {
        Shape::List(_) => name.strip_suffix('s').unwrap_or(name),
        _ => name,
    }
}

/// The name of a resource type's struct; that of a function's URL would hide what URLs are called here.
fn struct_name(kind: &str) -> String {
    match kind {
        "AWS::Lambda::Url" => "FunctionUrl".to_owned(),
        _ => type_name(short(kind)),
    }
}

/// Whether an object is the tag that all services share.
fn is_tag(name: &str, object: &Object) -> bool {
    let names: Vec<_> = object.properties.iter().map(|(name, _)| name.as_str()).collect();
    name == "Tag" && names == ["Key", "Value"]
}
