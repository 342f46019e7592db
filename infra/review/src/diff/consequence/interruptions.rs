//! Properties of which AWS's pages say "Update requires: Some interruptions". The schemas do not tell it.
//!
//! Source: the page of each resource type below
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>; what an interruption is:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>

/// Type and property. Where a schema lists a property as create-only in some cases, its page says "Some interruptions" too;
/// those are not repeated here: that it may be replaced is the graver word.
pub(super) const INTERRUPTIONS: &[(&str, &str)] = &[
    ("AWS::AmazonMQ::Broker", "Configuration"),
    ("AWS::AmazonMQ::Broker", "HostInstanceType"),
    ("AWS::AmazonMQ::Broker", "ResourceShareArns"),
    ("AWS::DMS::ReplicationInstance", "EngineVersion"),
    // By its description: "there can be some interruption in the cluster's service".
    ("AWS::DocDB::DBInstance", "DBInstanceClass"),
    ("AWS::ElastiCache::CacheCluster", "AZMode"),
    ("AWS::ElastiCache::CacheCluster", "CacheParameterGroupName"),
    ("AWS::ElastiCache::CacheCluster", "EngineVersion"),
    ("AWS::ElastiCache::CacheCluster", "NumCacheNodes"),
    ("AWS::ElastiCache::CacheCluster", "PreferredAvailabilityZone"),
    ("AWS::RDS::DBCluster", "DBClusterParameterGroupName"),
    ("AWS::RDS::DBCluster", "EngineVersion"),
    ("AWS::RDS::DBInstance", "DBInstanceClass"),
    ("AWS::RDS::DBInstance", "DomainAuthSecretArn"),
    ("AWS::RDS::DBInstance", "DomainDnsIps"),
    ("AWS::RDS::DBInstance", "DomainFqdn"),
    ("AWS::RDS::DBInstance", "DomainOu"),
    ("AWS::RDS::DBInstance", "EngineLifecycleSupport"),
    ("AWS::RDS::DBInstance", "EngineVersion"),
    ("AWS::RDS::DBInstance", "Port"),
    ("AWS::RDS::DBInstance", "StorageType"),
];

/// Whether a change at this place interrupts.
pub(super) fn interrupts(kind: &str, place: &[&str]) -> bool {
    place.first().is_some_and(|first| INTERRUPTIONS.iter().any(|(of, property)| *of == kind && property == first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::schema;

    #[test]
    fn what_interrupts_is_there_and_does_not_replace() {
        for (kind, property) in INTERRUPTIONS {
            let lifecycle = schema::lifecycle(kind).unwrap_or_else(|| panic!("{kind} is no type"));
            assert!(!lifecycle.create_only.contains(property), "{kind} {property} replaces");
        }
    }
}
