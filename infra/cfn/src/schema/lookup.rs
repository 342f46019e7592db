//! The table of schemas by resource type.

use super::ResourceSchema;
use crate::resources::SCHEMAS;

/// The schema of a resource type, such as `AWS::SQS::Queue`; nothing for types without a table.
#[must_use]
pub fn of(kind: &str) -> Option<&'static ResourceSchema> {
    SCHEMAS.iter().copied().find(|schema| schema.kind == kind)
}
