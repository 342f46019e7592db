//! CloudFormation's short tags and their long forms.

use serde_json::{Map, Value as Json, json};

/// Functions that have a short tag, without their `Fn::`; the last six stand in the section `Rules` only.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>,
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html>
const FUNCTIONS: [&str; 25] = [
    "Base64",
    "Cidr",
    "FindInMap",
    "GetAtt",
    "GetAZs",
    "GetStackOutput",
    "ImportValue",
    "Join",
    "Length",
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
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "RefAll",
    "ValueOf",
    "ValueOfAll",
];

/// The long form of `!name value`, or nothing when CloudFormation knows no such tag.
pub(super) fn expand(name: &str, value: Json) -> Option<Json> {
    let value = if name == "GetAtt" { get_att(value) } else { value };
    Some(Json::Object(Map::from_iter([(long_name(name)?, value)])))
}

/// What `!name` stands for, such as `Fn::Sub`.
pub(super) fn long_name(name: &str) -> Option<String> {
    match name {
        "Ref" | "Condition" => Some(name.to_owned()),
        _ => FUNCTIONS.contains(&name).then(|| format!("Fn::{name}")),
    }
}

/// `a.b.c` is the resource `a` and its attribute `b.c`.
fn get_att(value: Json) -> Json {
    match value.as_str().and_then(|text| text.split_once('.')) {
        Some((resource, attribute)) => json!([resource, attribute]),
        None => value,
    }
}
