//! What is known beside the two templates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Guards, Source};
use cfn::LogicalId;

/// What is known beside the two templates. The default knows nothing more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// What is known of the stack as it is.
    pub old: Known,
    /// What is known of the stack as it will be.
    pub new: Known,
    /// What CloudFormation's change set says, for a stack that is deployed.
    pub change_set: Option<Vec<Predicted>>,
    /// What CloudFormation says where it refuses to make a change set of this change, as a sentence.
    pub refusal: Option<String>,
    /// What stops a change.
    pub guards: Guards,
    /// The lines of Rust that define the resources of the new template, where it was built just now.
    pub sources: BTreeMap<LogicalId, Source>,
}

/// What is known of one side.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Known {
    /// Values of parameters, and of pseudo parameters such as `AWS::Region`, by name. A parameter that is not here has
    /// its default.
    pub parameters: BTreeMap<String, String>,
    /// What functions consist of, by the function's logical id or by the parameter that names its archive.
    pub code: BTreeMap<String, Code>,
}

/// The archive of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The archive's SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The archive's size in bytes.
    pub size: u64,
}

/// What CloudFormation's change set says about a resource.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predicted {
    /// The resource's logical id.
    pub id: LogicalId,
    /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
    pub action: String,
    /// Whether it is replaced; nothing for resources that are not modified.
    pub replacement: Option<Replacement>,
    /// The properties and attributes that differ, such as `Properties.QueueName`, as CloudFormation names them.
    #[serde(default)]
    pub properties: Vec<String>,
}

/// Whether CloudFormation expects to replace a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    /// It will.
    True,
    /// It will not.
    False,
    /// It depends on a value that it knows when it is at it.
    Conditional,
}
