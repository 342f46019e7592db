//! Reads CloudFormation's resource provider schemas: JSON Schema with AWS's and cfn-lint's own words, resolved into the
//! few shapes that a property can have.
//!
//! Source: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>

use serde_json::{Map, Value as Json};

/// A resource type.
pub(super) struct Resource {
    /// Such as `AWS::SQS::Queue`.
    pub(super) kind: String,
    pub(super) root: Object,
    /// The objects inside it, by name, in alphabetical order.
    pub(super) objects: Vec<(String, Object)>,
    /// What `Fn::GetAtt` gives, by name.
    pub(super) attributes: Vec<(String, Shape)>,
    pub(super) primary_identifier: Vec<String>,
}

#[derive(Default)]
pub(super) struct Object {
    pub(super) properties: Vec<(String, Shape)>,
    pub(super) required: Vec<String>,
    pub(super) open: bool,
    pub(super) groups: Vec<Group>,
}

pub(super) enum Group {
    ExactlyOne(Vec<String>),
    AtLeastOne(Vec<String>),
    Excludes(String, Vec<String>),
    Needs(String, Vec<String>),
}

#[derive(Clone)]
pub(super) enum Shape {
    Text(Text),
    Whole {
        one_of: Vec<i64>,
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Bool,
    Json,
    Any,
    List(Box<List>),
    Map {
        names: Option<String>,
        values: Box<Shape>,
        max: Option<u64>,
    },
    /// One of [`Resource::objects`].
    Object(String),
}

#[derive(Clone, Default)]
pub(super) struct Text {
    pub(super) one_of: Vec<String>,
    pub(super) pattern: Option<String>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) formats: Vec<String>,
}

#[derive(Clone)]
pub(super) struct List {
    pub(super) items: Shape,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) unique: bool,
    pub(super) ordered: bool,
}

/// Reads the schema of one resource type.
pub(super) fn read(schema: &Json) -> Resource {
    let mut reader = Reader { document: schema, objects: Vec::new() };
    let mut root = reader.object(schema);
    let read_only = paths(schema, "readOnlyProperties");
    let create_only = paths(schema, "createOnlyProperties");
    let mut attributes = Vec::new();
    for path in &read_only {
        if let Some(shape) = attribute(&reader, &root, path) {
            attributes.push((path.clone(), shape));
        }
    }
    // What can only be read cannot be set. Where an identifier is both, it can be set when the resource is made.
    root.properties.retain(|(name, _)| !read_only.contains(name) || create_only.contains(name));
    let kept: Vec<_> = root.properties.iter().map(|(name, _)| name.clone()).collect();
    root.required.retain(|name| kept.contains(name));
    let mut objects: Vec<_> = reader.objects.into_iter().filter_map(|(name, object)| Some((name, object?))).collect();
    objects.sort_by(|one, other| one.0.cmp(&other.0));
    for path in read_only.iter().filter(|path| path.contains('.')) {
        remove_inside(&root, &mut objects, path);
    }
    retain_used(&root, &mut objects);
    Resource {
        kind: text(schema, "typeName").unwrap_or_default(),
        root,
        objects,
        attributes,
        primary_identifier: paths(schema, "primaryIdentifier"),
    }
}

/// Whether a replacement deletes the old resource first. CloudFormation makes the new one first otherwise.
pub(super) fn is_deleted_first(schema: &Json) -> bool {
    text(schema, "replacementStrategy").is_some_and(|how| how == "delete_then_create")
}

/// The shape of what a path leads to, where `Fn::GetAtt` can go: not through lists. Objects come as JSON.
fn attribute(reader: &Reader<'_>, root: &Object, path: &str) -> Option<Shape> {
    let mut object = root;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let shape = &object.properties.iter().find(|(name, _)| name == part)?.1;
        match shape {
            Shape::Object(name) if parts.peek().is_some() => {
                object = reader.objects.iter().find(|(other, _)| other == name)?.1.as_ref()?;
            }
            Shape::Object(_) | Shape::Map { .. } => return Some(Shape::Json),
            shape => return parts.peek().is_none().then(|| shape.clone()),
        }
    }
    None
}

/// Removes what can only be read from the object that a path leads to.
fn remove_inside(root: &Object, objects: &mut [(String, Object)], path: &str) {
    let Some((parents, member)) = path.rsplit_once('.') else { return };
    let mut name = None;
    for part in parents.split('.') {
        let holder = match &name {
            None => Some(root),
            Some(name) => objects.iter().find(|(other, _)| other == name).map(|(_, object)| object),
        };
        let shape = holder.and_then(|object| object.properties.iter().find(|(other, _)| other == part));
        let Some((_, Shape::Object(next))) = shape else { return };
        name = Some(next.clone());
    }
    let object = objects.iter_mut().find(|(other, _)| Some(other) == name.as_ref());
    if let Some((_, object)) = object {
        object.properties.retain(|(other, _)| other != member);
        object.required.retain(|other| other != member);
    }
}

/// Drops the objects that nothing that can be set leads to.
fn retain_used(root: &Object, objects: &mut Vec<(String, Object)>) {
    fn names(shape: &Shape, into: &mut Vec<String>) {
        match shape {
            Shape::Object(name) if !into.contains(name) => into.push(name.clone()),
            Shape::List(list) => names(&list.items, into),
            Shape::Map { values, .. } => names(values, into),
            _ => {}
        }
    }
    let mut used = Vec::new();
    root.properties.iter().for_each(|(_, shape)| names(shape, &mut used));
    let mut at = 0;
    while let Some(name) = used.get(at).cloned() {
        let object = objects.iter().find(|(other, _)| *other == name);
        object.into_iter().flat_map(|(_, object)| &object.properties).for_each(|(_, shape)| names(shape, &mut used));
        at += 1;
    }
    objects.retain(|(name, _)| used.contains(name));
}

/// Resolves references, and gathers the objects that it meets.
struct Reader<'a> {
    document: &'a Json,
    /// Nothing stands for an object that is being read, so that one which holds itself is read once.
    objects: Vec<(String, Option<Object>)>,
}

impl Reader<'_> {
    /// The shape of a property; an object without a name of its own gets that of the property.
    fn shape(&mut self, name: &str, schema: &Json) -> Shape {
        if let Some((target, merged)) = self.follow(schema) {
            return self.shape(&target, &merged);
        }
        match types(schema).as_slice() {
            ["string"] => Shape::Text(read_text(schema)),
            ["boolean"] => Shape::Bool,
            ["array"] => self.list(name, schema),
            ["object"] => self.object_shape(name, schema),
            ["integer"] => {
                let one_of = items(schema, "enum").iter().filter_map(Json::as_i64).collect();
                Shape::Whole { one_of, min: whole(schema, "minimum"), max: whole(schema, "maximum") }
            }
            ["number"] => Shape::Number { min: number(schema, "minimum"), max: number(schema, "maximum") },
            ["object", "string"] | ["string", "object"] if schema.get("properties").is_some() => {
                self.object_shape(name, schema)
            }
            ["object", "string"] | ["string", "object"] => Shape::Json,
            [] => self.untyped(name, schema),
            _ => Shape::Any,
        }
    }

    /// Some properties do not say what type they are of.
    fn untyped(&mut self, name: &str, schema: &Json) -> Shape {
        if let Some(first) = items(schema, "oneOf").first().or(items(schema, "anyOf").first()) {
            return self.shape(name, first);
        }
        if schema.get("properties").is_some() || schema.get("patternProperties").is_some() {
            return self.object_shape(name, schema);
        }
        if text(schema, "format").is_some_and(|format| format == "json") {
            return Shape::Json;
        }
        Shape::Text(read_text(schema))
    }

    fn list(&mut self, name: &str, schema: &Json) -> Shape {
        let items = schema.get("items").map_or(Shape::Any, |items| self.shape(name, items));
        let unique = flag(schema, "uniqueItems", false);
        let ordered = flag(schema, "insertionOrder", true);
        Shape::List(Box::new(List {
            items,
            min: size(schema, "minItems"),
            max: size(schema, "maxItems"),
            unique,
            ordered,
        }))
    }

    fn object_shape(&mut self, name: &str, schema: &Json) -> Shape {
        let closed = schema.get("additionalProperties") == Some(&Json::Bool(false));
        let patterns = schema.get("patternProperties").and_then(Json::as_object);
        if schema.get("properties").is_none() {
            let pattern = patterns.and_then(|patterns| patterns.iter().next());
            if let Some((pattern, values)) = pattern {
                let names = Some(pattern.clone()).filter(|pattern| pattern != ".*");
                let values = Box::new(self.shape(name, values));
                return Shape::Map { names, values, max: size(schema, "maxProperties") };
            }
            if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
                let values = Box::new(self.shape(name, values));
                return Shape::Map { names: None, values, max: size(schema, "maxProperties") };
            }
            if !closed && schema.get("oneOf").is_none() {
                return Shape::Json;
            }
        }
        if !self.objects.iter().any(|(other, _)| other == name) {
            self.objects.push((name.to_owned(), None));
            let object = self.object(schema);
            if let Some(place) = self.objects.iter_mut().find(|(other, _)| other == name) {
                place.1 = Some(object);
            }
        }
        Shape::Object(name.to_owned())
    }

    fn object(&mut self, schema: &Json) -> Object {
        let mut object = Object {
            properties: Vec::new(),
            required: texts(schema, "required"),
            open: schema.get("additionalProperties") != Some(&Json::Bool(false)),
            groups: groups(schema),
        };
        // An object may be one of several; then its members are those of all of them.
        let branches = items(schema, "oneOf").iter().filter(|branch| branch.get("properties").is_some());
        let all: Vec<Json> = branches.cloned().chain([schema.clone()]).collect();
        for (name, property) in all.iter().filter_map(|part| part.get("properties")?.as_object()).flatten() {
            let shape = self.shape(name, property);
            object.properties.push((name.clone(), shape));
        }
        object.properties.sort_by(|one, other| one.0.cmp(&other.0));
        object.required.sort();
        object.open = object.open && all.len() == 1;
        object
            .groups
            .retain(|group| group.names().all(|name| object.properties.iter().any(|(other, _)| other == name)));
        object
    }

    /// Where a reference leads, and what stands beside it, together; nothing when there is no reference.
    fn follow(&self, schema: &Json) -> Option<(String, Json)> {
        let reference = text(schema, "$ref")?;
        let target = self.document.pointer(reference.trim_start_matches('#'))?;
        let mut merged: Map<String, Json> = target.as_object()?.clone();
        let beside = schema.as_object().into_iter().flatten().filter(|(key, _)| *key != "$ref");
        merged.extend(beside.map(|(key, value)| (key.clone(), value.clone())));
        Some((reference.rsplit('/').next()?.to_owned(), Json::Object(merged)))
    }
}

impl Group {
    fn names(&self) -> impl Iterator<Item = &String> {
        let (first, others) = match self {
            Self::ExactlyOne(names) | Self::AtLeastOne(names) => (None, names),
            Self::Excludes(first, names) | Self::Needs(first, names) => (Some(first), names),
        };
        first.into_iter().chain(others)
    }
}

fn groups(schema: &Json) -> Vec<Group> {
    let mut groups = Vec::new();
    // Each branch asks for one member.
    let single = |key: &str| -> Option<Vec<String>> {
        let branches = items(schema, key);
        let names = branches.iter().map(|branch| match texts(branch, "required").as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        });
        names.collect::<Option<Vec<_>>>().filter(|names| !names.is_empty())
    };
    let exclusive = texts(schema, "requiredXor");
    if exclusive.is_empty() {
        groups.extend(single("oneOf").map(Group::ExactlyOne));
    } else {
        groups.push(Group::ExactlyOne(exclusive));
    }
    groups.extend(single("anyOf").map(Group::AtLeastOne));
    let dependents = |key: &str| -> Vec<(String, Vec<String>)> {
        let entries = schema.get(key).and_then(Json::as_object).into_iter().flatten();
        entries.map(|(name, _)| (name.clone(), texts(schema.get(key).unwrap_or(&Json::Null), name))).collect()
    };
    groups.extend(dependents("dependentExcluded").into_iter().map(|(name, others)| Group::Excludes(name, others)));
    for key in ["dependentRequired", "dependencies"] {
        groups.extend(dependents(key).into_iter().map(|(name, others)| Group::Needs(name, others)));
    }
    groups
}

fn read_text(schema: &Json) -> Text {
    let constant = schema.get("const").and_then(Json::as_str).map(str::to_owned);
    let mut formats: Vec<String> = text(schema, "format").into_iter().collect();
    formats.extend(items(schema, "anyOf").iter().filter_map(|branch| text(branch, "format")));
    for target in items(schema, "anyOf").iter().filter_map(|branch| branch.get("relationshipRef")) {
        let path = text(target, "propertyPath").unwrap_or_default();
        let name = path.trim_start_matches("/properties/").trim_start_matches("Key");
        formats.push(format!("{}.{name}", text(target, "typeName").unwrap_or_default()));
    }
    Text {
        one_of: constant.map_or_else(|| texts(schema, "enum"), |constant| vec![constant]),
        // Python writes `\Z` for the end of the text.
        pattern: text(schema, "pattern").map(|pattern| pattern.replace("\\Z", "$")),
        min: size(schema, "minLength").filter(|min| *min > 0),
        max: size(schema, "maxLength"),
        formats,
    }
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Paths as this project writes them: `/properties/Code/S3Bucket` is `Code.S3Bucket`.
pub(super) fn paths(schema: &Json, key: &str) -> Vec<String> {
    let pointers = texts(schema, key).into_iter();
    let mut paths: Vec<_> = pointers
        .map(|pointer| pointer.trim_start_matches("/properties/").replace("/items", "/*").replace('/', "."))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

fn items<'a>(schema: &'a Json, key: &str) -> &'a [Json] {
    schema.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn texts(schema: &Json, key: &str) -> Vec<String> {
    items(schema, key).iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn text(schema: &Json, key: &str) -> Option<String> {
    schema.get(key)?.as_str().map(str::to_owned)
}

fn size(schema: &Json, key: &str) -> Option<u64> {
    schema.get(key)?.as_u64()
}

fn whole(schema: &Json, key: &str) -> Option<i64> {
    schema.get(key)?.as_i64()
}

fn number(schema: &Json, key: &str) -> Option<f64> {
    schema.get(key)?.as_f64()
}

fn flag(schema: &Json, key: &str, otherwise: bool) -> bool {
    schema.get(key).and_then(Json::as_bool).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn thing() -> Resource {
        read(&json!({
            "typeName": "AWS::Test::Thing",
            "additionalProperties": false,
            "required": ["Name", "Arn"],
            "properties": {
                "Arn": {"type": "string", "format": "AWS::Test::Thing.Arn"},
                "Name": {"type": "string", "minLength": 0, "maxLength": 8, "pattern": "^a\\Z"},
                "Policy": {"type": ["object", "string"]},
                "Tree": {"$ref": "#/definitions/Tree"},
                "Labels": {"type": "object", "patternProperties": {".*": {"type": "string"}}},
                "Status": {"type": "object", "properties": {"Code": {"type": "integer"}}},
            },
            "definitions": {
                "Tree": {"type": "object", "additionalProperties": false, "requiredXor": ["Leaf", "Branches"], "properties": {
                    "Leaf": {"type": "string", "enum": ["green", "red"]},
                    "Branches": {"type": "array", "insertionOrder": false, "maxItems": 2, "items": {"$ref": "#/definitions/Tree"}},
                }},
                "Unused": {"type": "object", "properties": {"A": {"type": "string"}}},
            },
            "readOnlyProperties": ["/properties/Arn", "/properties/Status/Code"],
            "createOnlyProperties": ["/properties/Name"],
            "primaryIdentifier": ["/properties/Arn"],
        }))
    }

    fn shape<'a>(object: &'a Object, name: &str) -> &'a Shape {
        &object.properties.iter().find(|(other, _)| other == name).unwrap().1
    }

    #[test]
    fn what_is_only_read_becomes_an_attribute() {
        let thing = thing();
        let names: Vec<_> = thing.root.properties.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Labels", "Name", "Policy", "Status", "Tree"]);
        assert_eq!(thing.root.required, ["Name"]);
        let attributes: Vec<_> = thing.attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(attributes, ["Arn", "Status.Code"]);
        assert!(thing.objects.iter().any(|(name, object)| name == "Status" && object.properties.is_empty()));
    }

    #[test]
    fn texts_keep_their_limits_and_end_as_javascript_ends_them() {
        let thing = thing();
        let Shape::Text(name) = shape(&thing.root, "Name") else { panic!("not a text") };
        assert_eq!((name.min, name.max, name.pattern.as_deref()), (None, Some(8), Some("^a$")));
        assert!(matches!(shape(&thing.root, "Policy"), Shape::Json));
        assert!(matches!(shape(&thing.root, "Labels"), Shape::Map { names: None, .. }));
    }

    #[test]
    fn an_object_that_holds_itself_is_read_once_and_one_that_nothing_holds_not_at_all() {
        let thing = thing();
        let names: Vec<_> = thing.objects.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Status", "Tree"]);
        let tree = &thing.objects[1].1;
        assert!(matches!(&tree.groups[..], [Group::ExactlyOne(names)] if names == &["Leaf", "Branches"]));
        let Shape::List(branches) = shape(tree, "Branches") else { panic!("not a list") };
        assert!(matches!(&branches.items, Shape::Object(name) if name == "Tree"));
        assert_eq!((branches.max, branches.ordered), (Some(2), false));
    }
}
