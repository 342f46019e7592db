//! Templates in normal form: what AWS takes for the same is the same.
//!
//! Parameters, mappings and conditions whose values are known are put in; what is not known stays as it stands. Functions
//! are written in one way, lists without an order sorted, `30` and `"30"` the same, policies as objects, and what AWS takes
//! where nothing is said is spelled out. Keys are in alphabetical order.

mod defaults;
mod policy;
mod values;

use serde_json::{Map, Value as Json, json};

use super::Known;
use cfn::{
    LogicalId, Resource, Template,
    schema::{self, Lifecycle, Paths},
};
pub(super) use policy::same as same_policy;
use values::Values;
pub(super) use values::{Piece, is_true, pieces};

/// The normal form of a template.
pub(super) fn template(given: &Template, known: &Known) -> Template {
    let values = Values::of(given, known);
    let mut normal = Template {
        format_version: given.format_version.clone(),
        description: given.description.clone(),
        metadata: given.metadata.clone(),
        parameters: given.parameters.clone(),
        mappings: given.mappings.clone(),
        conditions: given.conditions.clone(),
        rest: given.rest.clone(),
        ..Template::default()
    };
    for (id, given) in &given.resources {
        if let Some(resource) = resource(given, &values) {
            normal.resources.insert(id.clone(), resource);
        }
    }
    normal.resources.functions = given.resources.functions.clone();
    for (name, output) in &given.outputs {
        let condition = output.rest.get("Condition").and_then(Json::as_str);
        if condition.and_then(|name| values.holds(name)) == Some(false) {
            continue;
        }
        let mut normal_output = output.clone();
        normal_output.value = values.normal(&output.value, &Guide::default()).unwrap_or(Json::Null);
        if let Some(export) = output.rest.get("Export") {
            let export = values.normal(export, &Guide::default()).unwrap_or(Json::Null);
            normal_output.rest.insert("Export".to_owned(), export);
        }
        normal.outputs.insert(name.clone(), normal_output);
    }
    normal.outputs.functions = given.outputs.functions.clone();
    normal
}

/// The normal form of a resource; nothing where a condition leaves it out.
fn resource(given: &Resource, values: &Values<'_>) -> Option<Resource> {
    let condition = match given.condition.as_deref().map(|name| (name, values.holds(name))) {
        Some((_, Some(false))) => return None,
        Some((_, Some(true))) | None => None,
        Some((name, None)) => Some(name.to_owned()),
    };
    let lifecycle = schema::lifecycle(&given.kind);
    let guide = Guide::of(lifecycle.as_ref());
    let mut properties = values.members(&given.properties, &guide);
    if properties.get("Tags").is_some_and(|tags| tags.as_array().is_some_and(Vec::is_empty)) {
        properties.remove("Tags");
    }
    defaults::spell_out(&given.kind, &mut properties);
    let text = |policy: &Option<Json>, otherwise: &str| {
        let normal = policy.as_ref().and_then(|policy| values.normal(policy, &Guide::default()));
        Some(normal.unwrap_or_else(|| json!(otherwise)))
    };
    let mut depends_on: Vec<LogicalId> = given.depends_on.clone();
    depends_on.sort();
    depends_on.dedup();
    let mut rest = Map::new();
    for (name, attribute) in &given.rest {
        rest.extend(values.normal(attribute, &Guide::default()).map(|normal| (name.clone(), normal)));
    }
    Some(Resource {
        kind: given.kind.clone(),
        condition,
        depends_on,
        deletion_policy: text(&given.deletion_policy, default_deletion_policy(given)),
        update_replace_policy: text(&given.update_replace_policy, "Delete"),
        metadata: given.metadata.clone(),
        properties,
        rest,
    })
}

/// What becomes of a resource of which the template does not say it.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>
fn default_deletion_policy(resource: &Resource) -> &'static str {
    let alone = || !resource.properties.contains_key("DBClusterIdentifier");
    match resource.kind.as_str() {
        "AWS::RDS::DBCluster" => "Snapshot",
        "AWS::RDS::DBInstance" if alone() => "Snapshot",
        _ => "Delete",
    }
}

/// What the schema says about the place that is being looked at, and below it.
#[derive(Clone, Default)]
struct Guide {
    /// Lists without an order: the rest of the way to each.
    unordered: Vec<&'static str>,
    /// JSON without a schema: the rest of the way to each.
    json: Vec<&'static str>,
    /// Whether this is inside of JSON without a schema, where `30` is not `"30"`.
    inside_json: bool,
}

impl Guide {
    fn of(lifecycle: Option<&Lifecycle>) -> Self {
        let paths = |paths: Option<Paths>| paths.into_iter().flat_map(Paths::iter).collect();
        Self {
            unordered: paths(lifecycle.map(|lifecycle| lifecycle.unordered)),
            json: paths(lifecycle.map(|lifecycle| lifecycle.json)),
            inside_json: false,
        }
    }

    /// What it says about a member, or about the items of a list: `*`.
    fn step(&self, name: &str) -> Self {
        let below = |paths: &[&'static str]| -> Vec<&'static str> {
            let rests = paths.iter().filter_map(|path| {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                (first == name || first == "*").then_some(rest)
            });
            rests.collect()
        };
        let inside_json = self.inside_json || self.is_json();
        Self { unordered: below(&self.unordered), json: below(&self.json), inside_json }
    }

    fn is_unordered(&self) -> bool {
        self.unordered.contains(&"")
    }

    fn is_json(&self) -> bool {
        self.json.contains(&"")
    }
}
