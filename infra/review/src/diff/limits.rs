//! What costs more or less, and limits that are others.
//!
//! Prices are not told: they differ by region and change. What is paid for being there is.

use super::{
    Fact, Risk,
    compared::Compared,
    fold::{Folded, Said, changed_at},
    words::subject,
};
use cfn::{LogicalId, Path, view::ResourceView};

/// Numbers that are limits, or that are paid for: type, place, what it is called, its unit, and why it matters. What is
/// shortened or taken away as a protection is told there.
const NUMBERS: [(&str, &str, &str, &str, &str); 26] = [
    ("AWS::Lambda::Function", "MemorySize", "memory", "MB", "Lambda is paid by memory and time"),
    ("AWS::Lambda::Function", "Timeout", "timeout", "s", "an invocation is ended after it"),
    ("AWS::Lambda::Function", "EphemeralStorage.Size", "storage in /tmp", "MB", "above 512 MB it is paid by time"),
    (
        "AWS::Lambda::Function",
        "ReservedConcurrentExecutions",
        "reserved concurrency",
        "",
        "it is taken from the account's, and no more than that run at once",
    ),
    (
        "AWS::Lambda::Alias",
        "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
        "provisioned concurrency",
        "",
        "paid for every hour, also when nothing runs",
    ),
    (
        "AWS::Lambda::Version",
        "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
        "provisioned concurrency",
        "",
        "paid for every hour, also when nothing runs",
    ),
    ("AWS::Lambda::EventSourceMapping", "BatchSize", "batch", "messages", "so many are given to the function at once"),
    (
        "AWS::Lambda::EventSourceMapping",
        "MaximumBatchingWindowInSeconds",
        "waiting for a batch",
        "s",
        "so long messages wait for others",
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        "ScalingConfig.MaximumConcurrency",
        "concurrency",
        "",
        "so many batches are worked on at once",
    ),
    ("AWS::SQS::Queue", "VisibilityTimeout", "visibility timeout", "s", "so long a received message is hidden"),
    ("AWS::SQS::Queue", "DelaySeconds", "delay", "s", "so long a message waits before it can be received"),
    ("AWS::SQS::Queue", "MaximumMessageSize", "largest message", "bytes", "larger ones are refused"),
    ("AWS::ApiGatewayV2::Integration", "TimeoutInMillis", "timeout", "ms", "API Gateway answers 503 after it"),
    ("AWS::ApiGateway::Stage", "CacheClusterSize", "cache", "GB", "paid for every hour"),
    ("AWS::DynamoDB::Table", "ProvisionedThroughput.ReadCapacityUnits", "read capacity", "units", CAPACITY),
    ("AWS::DynamoDB::Table", "ProvisionedThroughput.WriteCapacityUnits", "write capacity", "units", CAPACITY),
    ("AWS::Kinesis::Stream", "ShardCount", "shards", "", "each is paid for every hour"),
    ("AWS::RDS::DBInstance", "AllocatedStorage", "storage", "GB", "paid for every month"),
    ("AWS::ECS::Service", "DesiredCount", "tasks", "", "each is paid while it runs"),
    ("AWS::AutoScaling::AutoScalingGroup", "MinSize", "least instances", "", "each is paid while it runs"),
    ("AWS::AutoScaling::AutoScalingGroup", "MaxSize", "most instances", "", "each is paid while it runs"),
    ("AWS::ElastiCache::ReplicationGroup", "NumNodeGroups", "node groups", "", "each node is paid for every hour"),
    ("AWS::ElastiCache::CacheCluster", "NumCacheNodes", "nodes", "", "each is paid for every hour"),
    ("AWS::OpenSearchService::Domain", "ClusterConfig.InstanceCount", "instances", "", "each is paid for every hour"),
    ("AWS::EC2::Volume", "Size", "size", "GB", "paid for every month"),
    ("AWS::SSM::Parameter", "Tier", "tier", "", "advanced parameters are paid for every month"),
];

const CAPACITY: &str = "paid for every hour, used or not; what is above is throttled";

/// Numbers of which only more is told here: less is a protection that is weaker.
const KEPT: [(&str, &str, &str, &str); 3] = [
    ("AWS::Logs::LogGroup", "RetentionInDays", "log lines are kept for", "days"),
    ("AWS::SQS::Queue", "MessageRetentionPeriod", "messages are kept for", "s"),
    ("AWS::RDS::DBInstance", "BackupRetentionPeriod", "backups are kept for", "days"),
];

/// Words that decide what is paid: type, place, what it is called.
const SIZES: [(&str, &str, &str); 8] = [
    ("AWS::RDS::DBInstance", "DBInstanceClass", "instance"),
    ("AWS::EC2::Instance", "InstanceType", "instance"),
    ("AWS::ElastiCache::CacheCluster", "CacheNodeType", "node"),
    ("AWS::ElastiCache::ReplicationGroup", "CacheNodeType", "node"),
    ("AWS::OpenSearchService::Domain", "ClusterConfig.InstanceType", "instance"),
    ("AWS::Redshift::Cluster", "NodeType", "node"),
    ("AWS::DynamoDB::Table", "BillingMode", "billing"),
    ("AWS::Logs::LogGroup", "LogGroupClass", "class"),
];

/// What is paid for being there: type, how, and where AWS tells the price.
const PAID: [(&str, &str, &str); 29] = [
    ("AWS::ACMPCA::CertificateAuthority", MONTH, "https://aws.amazon.com/private-ca/pricing/"),
    ("AWS::CloudWatch::Alarm", "paid each month above the free ten", CLOUDWATCH),
    ("AWS::CloudWatch::CompositeAlarm", MONTH, CLOUDWATCH),
    ("AWS::CloudWatch::Dashboard", "paid each month above the free three", CLOUDWATCH),
    ("AWS::DocDB::DBInstance", HOUR, "https://aws.amazon.com/documentdb/pricing/"),
    ("AWS::EC2::EIP", HOUR, "https://aws.amazon.com/vpc/pricing/"),
    ("AWS::EC2::Instance", "paid for every second that it runs", "https://aws.amazon.com/ec2/pricing/"),
    ("AWS::EC2::NatGateway", "paid for every hour and every GB that passes", "https://aws.amazon.com/vpc/pricing/"),
    ("AWS::EC2::TransitGatewayAttachment", HOUR, "https://aws.amazon.com/transit-gateway/pricing/"),
    ("AWS::EC2::VPNConnection", HOUR, "https://aws.amazon.com/vpn/pricing/"),
    ("AWS::EKS::Cluster", HOUR, "https://aws.amazon.com/eks/pricing/"),
    ("AWS::ElastiCache::CacheCluster", HOUR, "https://aws.amazon.com/elasticache/pricing/"),
    ("AWS::ElastiCache::ReplicationGroup", HOUR, "https://aws.amazon.com/elasticache/pricing/"),
    ("AWS::ElasticLoadBalancing::LoadBalancer", HOUR, BALANCER),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", HOUR, BALANCER),
    ("AWS::GlobalAccelerator::Accelerator", HOUR, "https://aws.amazon.com/global-accelerator/pricing/"),
    ("AWS::Kinesis::Stream", HOUR, "https://aws.amazon.com/kinesis/data-streams/pricing/"),
    ("AWS::KMS::Key", MONTH, "https://aws.amazon.com/kms/pricing/"),
    ("AWS::KMS::ReplicaKey", MONTH, "https://aws.amazon.com/kms/pricing/"),
    ("AWS::MSK::Cluster", HOUR, "https://aws.amazon.com/msk/pricing/"),
    ("AWS::Neptune::DBInstance", HOUR, "https://aws.amazon.com/neptune/pricing/"),
    ("AWS::OpenSearchService::Domain", HOUR, "https://aws.amazon.com/opensearch-service/pricing/"),
    ("AWS::RDS::DBInstance", HOUR, "https://aws.amazon.com/rds/pricing/"),
    ("AWS::Redshift::Cluster", HOUR, "https://aws.amazon.com/redshift/pricing/"),
    ("AWS::Route53::HealthCheck", MONTH, "https://aws.amazon.com/route53/pricing/"),
    ("AWS::Route53::HostedZone", MONTH, "https://aws.amazon.com/route53/pricing/"),
    ("AWS::SecretsManager::Secret", MONTH, "https://aws.amazon.com/secrets-manager/pricing/"),
    ("AWS::WAFv2::RuleGroup", MONTH, "https://aws.amazon.com/waf/pricing/"),
    ("AWS::WAFv2::WebACL", MONTH, "https://aws.amazon.com/waf/pricing/"),
];

const MONTH: &str = "paid each month";
const HOUR: &str = "paid for every hour";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const BALANCER: &str = "https://aws.amazon.com/elasticloadbalancing/pricing/";

/// What costs more or less, and limits that are others.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let mut folded = Folded::default();
    for pair in compared.pairs() {
        let (old, new) = (
            ResourceView { id: pair.old_id, resource: pair.old },
            ResourceView { id: pair.new_id, resource: pair.new },
        );
        // Most do not change, which is found out faster than what is shown of them.
        let differs = |place: &str| {
            old.field(place).value() != new.field(place).value() || old.is_absent(place) != new.is_absent(place)
        };
        for (_, place, name, unit, why) in NUMBERS.iter().filter(|(kind, place, ..)| new.is(kind) && differs(place)) {
            let words = (shown(compared, old, place, unit), shown(compared, new, place, unit));
            if let (Some(before), Some(after)) = words
                && before != after
            {
                let words = format!(": {name} {after} instead of {before}");
                let said = Said::new("limit-changed", Risk::Cost, &new.resource.kind, words);
                folded.say(pair.new_id, changed_at(compared, pair.new_id, place), Said { why, ..said });
            }
        }
        for (_, place, name, unit) in KEPT.iter().filter(|(kind, ..)| new.is(kind)) {
            if let (Some(before), after) = (old.number(place), new.number(place))
                && after.is_none_or(|after| after > before)
                && (after.is_some() || new.is_absent(place))
            {
                let after = after.map_or_else(|| "ever".to_owned(), |after| format!("{after} {unit}"));
                let words = format!(": {name} {after} instead of {before} {unit}");
                let said = Said::new("retention-extended", Risk::Cost, &new.resource.kind, words);
                folded.say(pair.new_id, changed_at(compared, pair.new_id, place), said);
            }
        }
        for (_, place, name) in SIZES.iter().filter(|(kind, place, _)| new.is(kind) && differs(place)) {
            let words = (shown(compared, old, place, ""), shown(compared, new, place, ""));
            if let (Some(before), Some(after)) = words
                && before != after
            {
                let words = format!(": {name} {after} instead of {before}");
                let said = Said::new("size-changed", Risk::Cost, &new.resource.kind, words);
                folded.say(pair.new_id, changed_at(compared, pair.new_id, place), said);
            }
        }
    }
    folded.facts().into_iter().chain(paid(compared)).collect()
}

/// A value with its unit; `none` where there is none, nothing where it is not known.
fn shown(compared: &Compared<'_>, thing: ResourceView<'_>, place: &str, unit: &str) -> Option<String> {
    if thing.is_absent(place) {
        return Some("none".to_owned());
    }
    let value = compared.show(&thing.at(place), thing.field(place).value()?).to_string();
    Some(if unit.is_empty() { value } else { format!("{value} {unit}") })
}

/// New things that are paid for being there, a line a type.
fn paid(compared: &Compared<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut say = |kind: &str, how: &str, link: Option<&str>, ids: Vec<&LogicalId>| {
        let be = if ids.len() == 1 { "is" } else { "are" };
        let fact =
            Fact::new("new-paid-resource", Risk::Cost, &ids, format!("{} {be} new and {how}", subject(kind, &ids)));
        let details = link.map(super::Detail::text).into_iter().collect();
        let explains = ids.iter().map(|id| Path::resource(id.as_str())).collect();
        facts.extend((!ids.is_empty()).then_some(Fact { details, explains, ..fact }));
    };
    let added = |wanted: &str, of: &dyn Fn(&ResourceView<'_>) -> bool| -> Vec<&LogicalId> {
        let all = compared.new.template.resources.iter().map(|(id, resource)| ResourceView { id, resource });
        let added = all.filter(|thing| thing.is(wanted) && compared.pair(thing.id.as_str()).is_none() && of(thing));
        added.map(|thing| thing.id).collect()
    };
    for (kind, how, link) in PAID {
        say(kind, how, Some(link), added(kind, &|_| true));
    }
    let endpoint = "AWS::EC2::VPCEndpoint";
    let is_interface = |thing: &ResourceView<'_>| thing.literal("VpcEndpointType").as_deref() == Some("Interface");
    say(endpoint, HOUR, None, added(endpoint, &is_interface));
    facts
}
