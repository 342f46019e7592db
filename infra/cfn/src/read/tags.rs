//! CloudFormation's short tags and their long forms.

use serde_json::{Map, Value as Json, json};

/// Functions that have a short tag, without their `Fn::`.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>
const FUNCTIONS: [&str; 17] = [
    "Base64",
    "Cidr",
    "FindInMap",
    "GetAtt",
    "GetAZs",
    "ImportValue",
    "Join",
    "Select",
    "Split",
    "Sub",
    "Transform",
    "And",
    "Equals",
    "If",
    "Not",
    "Or",
    "ToJsonString",
];

/// The long form of `!name value`, or nothing when CloudFormation knows no such tag.
pub(super) fn expand(name: &str, value: Json) -> Option<Json> {
    match name {
        "Ref" | "Condition" => Some(single(name, value)),
        "GetAtt" => Some(single("Fn::GetAtt", get_att(value))),
        "Length" => Some(single("Fn::Length", value)),
        _ if FUNCTIONS.contains(&name) => Some(single(&format!("Fn::{name}"), value)),
        _ => None,
    }
}

/// `a.b.c` is the resource `a` and its attribute `b.c`.
fn get_att(value: Json) -> Json {
    match value.as_str().and_then(|text| text.split_once('.')) {
        Some((resource, attribute)) => json!([resource, attribute]),
        None => value,
    }
}

fn single(key: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(key.to_owned(), value)]))
}
