//! Properties of which AWS's pages say "Update requires: Some interruptions". The schemas do not tell it.
//!
//! Source: the page of each resource type below
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>; what an interruption is:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>

/// Type and property.
pub(super) const INTERRUPTIONS: &[(&str, &str)] = &[
    ("AWS::DMS::ReplicationInstance", "EngineVersion"),
    ("AWS::ElastiCache::CacheCluster", "CacheParameterGroupName"),
    ("AWS::ElastiCache::CacheCluster", "EngineVersion"),
    ("AWS::RDS::DBCluster", "DBClusterParameterGroupName"),
    ("AWS::RDS::DBCluster", "EngineVersion"),
    ("AWS::RDS::DBInstance", "DBInstanceClass"),
    ("AWS::RDS::DBInstance", "EngineVersion"),
    ("AWS::RDS::DBInstance", "StorageType"),
];

/// Whether a change at this place interrupts.
pub(super) fn interrupts(kind: &str, place: &[&str]) -> bool {
    place.first().is_some_and(|first| INTERRUPTIONS.iter().any(|(of, property)| *of == kind && property == first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn what_interrupts_is_there_and_does_not_replace() {
        for (kind, property) in INTERRUPTIONS {
            let lifecycle = schema::lifecycle(kind).unwrap_or_else(|| panic!("{kind} is no type"));
            assert!(!lifecycle.create_only.contains(property), "{kind} {property} replaces");
        }
    }
}
