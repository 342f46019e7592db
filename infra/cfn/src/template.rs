//! A template as CloudFormation takes it, in the order it was written.

mod section;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

use crate::LogicalId;
pub use section::Section;

/// A CloudFormation template. Sections that this type does not name are kept in [`Template::rest`].
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    /// The only version there is: `2010-09-09`.
    #[serde(rename = "AWSTemplateFormatVersion", skip_serializing_if = "Option::is_none")]
    pub format_version: Option<String>,
    /// What the stack is, at most 1024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Data about the template that CloudFormation stores but does not read.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Json>,
    /// Values that are given when the stack is made.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<String, Parameter>,
    /// Tables for `Fn::FindInMap`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub mappings: Map<String, Json>,
    /// Named conditions, by which resources and values are left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub conditions: Map<String, Json>,
    /// What the stack consists of, 1 to 500.
    #[serde(default, skip_serializing_if = "Section::is_empty")]
    pub resources: Section<LogicalId, Resource>,
    /// What the stack tells about itself, at most 200.
    #[serde(default, skip_serializing_if = "Section::is_empty")]
    pub outputs: Section<String, Output>,
    /// Further sections (`Transform`, `Rules`, ...), unchanged.
    #[serde(flatten)]
    pub rest: Map<String, Json>,
}

/// A parameter of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    /// `String`, `Number`, `List<Number>`, `CommaDelimitedList` or a type of AWS's own.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The value when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// Everything else (`AllowedValues`, `NoEcho`, ...), unchanged.
    #[serde(flatten)]
    pub rest: Map<String, Json>,
}

/// One resource of a template.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    /// The resource's type, such as `AWS::SQS::Queue`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The condition without which the resource is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Resources that must be there first, beyond those that the properties refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub depends_on: Vec<LogicalId>,
    /// What happens to the thing itself when the resource leaves the stack: a text, as a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<Json>,
    /// What happens to the old thing when an update replaces it: a text, as a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_replace_policy: Option<Json>,
    /// Data about the resource: waivers of linters, among others.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Json>,
    /// The resource's properties, intrinsic functions in their long form.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Json>,
    /// Further attributes (`CreationPolicy`, `UpdatePolicy`, ...), unchanged.
    #[serde(flatten)]
    pub rest: Map<String, Json>,
}

/// An output of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// What the value is, at most 1024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value, an intrinsic function as a rule.
    pub value: Json,
    /// `Export` and `Condition`, unchanged.
    #[serde(flatten)]
    pub rest: Map<String, Json>,
}

/// `DependsOn` is one id or a list of them.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LogicalId>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(LogicalId),
        Many(Vec<LogicalId>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(id) => vec![id],
        OneOrMany::Many(ids) => ids,
    })
}
