//! Which resource types are generated, and what AWS's schemas do not say about them.

/// A service, and its resource types that a service such as this one could use.
pub(super) struct Service {
    /// As in `AWS::SQS::Queue`.
    pub(super) name: &'static str,
    pub(super) resources: &'static [&'static str],
}

pub(super) const SERVICES: &[Service] = &[
    Service {
        name: "ApiGatewayV2",
        resources: &[
            "Api",
            "ApiMapping",
            "Authorizer",
            "Deployment",
            "DomainName",
            "Integration",
            "IntegrationResponse",
            "Model",
            "Route",
            "RouteResponse",
            "RoutingRule",
            "Stage",
            "VpcLink",
        ],
    },
    Service { name: "CertificateManager", resources: &["Account", "Certificate"] },
    Service {
        name: "CloudWatch",
        resources: &["Alarm", "AnomalyDetector", "CompositeAlarm", "Dashboard", "InsightRule"],
    },
    Service { name: "DynamoDB", resources: &["Table"] },
    Service { name: "IAM", resources: &["ManagedPolicy", "Policy", "Role", "RolePolicy"] },
    Service { name: "KMS", resources: &["Alias", "Key"] },
    Service {
        name: "Lambda",
        resources: &[
            "Alias",
            "CodeSigningConfig",
            "EventInvokeConfig",
            "EventSourceMapping",
            "Function",
            "LayerVersion",
            "LayerVersionPermission",
            "Permission",
            "Url",
            "Version",
        ],
    },
    Service {
        name: "Logs",
        resources: &[
            "AccountPolicy",
            "LogAnomalyDetector",
            "LogGroup",
            "LogStream",
            "MetricFilter",
            "QueryDefinition",
            "ResourcePolicy",
            "SubscriptionFilter",
        ],
    },
    Service { name: "Route53", resources: &["HealthCheck", "HostedZone", "RecordSet", "RecordSetGroup"] },
    Service { name: "S3", resources: &["Bucket", "BucketPolicy"] },
    Service {
        name: "SecretsManager",
        resources: &["ResourcePolicy", "RotationSchedule", "Secret", "SecretTargetAttachment"],
    },
    Service { name: "SNS", resources: &["Subscription", "Topic", "TopicInlinePolicy", "TopicPolicy"] },
    Service { name: "SQS", resources: &["Queue", "QueueInlinePolicy", "QueuePolicy"] },
];

/// Whether a type, such as `AWS::SQS::Queue`, is among those that are generated.
pub(super) fn has(kind: &str) -> bool {
    let Some((service, name)) = kind.trim_start_matches("AWS::").split_once("::") else { return false };
    SERVICES.iter().any(|known| known.name == service && known.resources.contains(&name))
}

/// What `Ref` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Arn,
    Url,
    Name,
    Id,
    /// Something of another resource, such as the topic's ARN for a topic's inline policy: no accessor.
    Foreign,
}

/// What `Ref` gives where the identifier does not tell: it has several parts, or one that is called `Id`, whatever it is.
///
/// Source: "Return values" on the page of each resource type.
const REFERENCES: &[(&str, Reference)] = &[
    ("AWS::ApiGatewayV2::ApiMapping", Reference::Id),
    ("AWS::ApiGatewayV2::Authorizer", Reference::Id),
    ("AWS::ApiGatewayV2::Deployment", Reference::Id),
    ("AWS::ApiGatewayV2::Integration", Reference::Id),
    ("AWS::ApiGatewayV2::IntegrationResponse", Reference::Id),
    ("AWS::ApiGatewayV2::Model", Reference::Id),
    ("AWS::ApiGatewayV2::Route", Reference::Id),
    ("AWS::ApiGatewayV2::RouteResponse", Reference::Id),
    ("AWS::ApiGatewayV2::Stage", Reference::Name),
    ("AWS::CloudWatch::InsightRule", Reference::Name),
    ("AWS::Lambda::EventInvokeConfig", Reference::Id),
    ("AWS::Lambda::Permission", Reference::Id),
    // The function that the address is of.
    ("AWS::Lambda::Url", Reference::Foreign),
    ("AWS::Logs::AccountPolicy", Reference::Name),
    ("AWS::Logs::LogStream", Reference::Name),
    ("AWS::Logs::MetricFilter", Reference::Name),
    ("AWS::Logs::SubscriptionFilter", Reference::Name),
    ("AWS::Route53::RecordSet", Reference::Name),
    // The bucket's name.
    ("AWS::S3::BucketPolicy", Reference::Foreign),
    // The secret's ARN, but for the secret itself another's.
    ("AWS::SecretsManager::ResourcePolicy", Reference::Foreign),
    ("AWS::SecretsManager::RotationSchedule", Reference::Foreign),
    ("AWS::SecretsManager::Secret", Reference::Arn),
    ("AWS::SecretsManager::SecretTargetAttachment", Reference::Foreign),
    // The topic's ARN, the queue's URL.
    ("AWS::SNS::TopicInlinePolicy", Reference::Foreign),
    ("AWS::SQS::QueueInlinePolicy", Reference::Foreign),
];

/// What `Ref` of a resource type gives: by the table above, else by the name of its only identifier.
pub(super) fn reference(kind: &str, primary_identifier: &[String]) -> Option<Reference> {
    if let Some((_, reference)) = REFERENCES.iter().find(|(other, _)| *other == kind) {
        return Some(*reference);
    }
    let [identifier] = primary_identifier else { return None };
    let of = |ending: &str| identifier.ends_with(ending);
    Some(match () {
        () if of("Arn") => Reference::Arn,
        () if of("Url") => Reference::Url,
        () if of("Name") => Reference::Name,
        () => Reference::Id,
    })
}

/// Resources that hold data, or that others remember: what is lost with them cannot be made again. Of those that are no
/// types in Rust as well, so that a comparison of anybody's templates knows them.
const STATEFUL: &[&str] = &[
    "AWS::ACMPCA::CertificateAuthority",
    "AWS::AmazonMQ::Broker",
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::DomainNameV2",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::AppSync::GraphQLApi",
    "AWS::Athena::WorkGroup",
    "AWS::Backup::BackupVault",
    "AWS::Cassandra::Keyspace",
    "AWS::Cassandra::Table",
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFront::Distribution",
    "AWS::CloudTrail::EventDataStore",
    "AWS::CodeArtifact::Repository",
    "AWS::CodeCommit::Repository",
    "AWS::Cognito::IdentityPool",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::DAX::Cluster",
    "AWS::DSQL::Cluster",
    "AWS::DocDB::DBCluster",
    "AWS::DocDB::DBInstance",
    "AWS::DocDBElastic::Cluster",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::EIP",
    "AWS::EC2::Instance",
    "AWS::EC2::KeyPair",
    "AWS::EC2::Volume",
    "AWS::ECR::PublicRepository",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::EKS::Cluster",
    "AWS::EMR::Cluster",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::Elasticsearch::Domain",
    "AWS::Events::Archive",
    "AWS::Events::EventBus",
    "AWS::FSx::FileSystem",
    "AWS::FSx::Volume",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::AccessKey",
    "AWS::IAM::User",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::KinesisVideo::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::MSK::Cluster",
    "AWS::MSK::ServerlessCluster",
    "AWS::MemoryDB::Cluster",
    "AWS::Neptune::DBCluster",
    "AWS::Neptune::DBInstance",
    "AWS::NeptuneGraph::Graph",
    "AWS::OpenSearchServerless::Collection",
    "AWS::OpenSearchService::Domain",
    "AWS::Organizations::Account",
    "AWS::QLDB::Ledger",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::RDS::GlobalCluster",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::Route53::HostedZone",
    "AWS::S3::Bucket",
    "AWS::S3Express::DirectoryBucket",
    "AWS::S3Tables::Table",
    "AWS::S3Tables::TableBucket",
    "AWS::SDB::Domain",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SageMaker::NotebookInstance",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::Database",
    "AWS::Timestream::InfluxDBInstance",
    "AWS::Timestream::Table",
    "AWS::WorkSpaces::Workspace",
];

pub(super) fn stateful(kind: &str) -> bool {
    STATEFUL.contains(&kind)
}

/// Properties that hold secrets.
const SENSITIVE: &[(&str, &[&str])] = &[("AWS::SecretsManager::Secret", &["SecretString"])];

pub(super) fn sensitive(kind: &str) -> &'static [&'static str] {
    SENSITIVE.iter().find(|(other, _)| *other == kind).map_or(&[], |(_, paths)| *paths)
}

/// Whether the name of a property that can only be written tells a secret: what AWS does not read back is one as a rule,
/// but the place of a function's archive is none.
pub(super) fn is_secret(path: &str) -> bool {
    let name = path.rsplit('.').find(|part| *part != "*").unwrap_or_default().to_ascii_lowercase();
    let tells =
        ["password", "secret", "token", "credential", "passphrase", "privatekey", "apikey", "authkey", "license"];
    let about =
        ["arn", "id", "name", "type", "version", "enabled", "path", "period", "location", "url", "mode", "field"];
    tells.iter().any(|word| name.contains(word)) && !about.iter().any(|ending| name.ends_with(ending))
}

/// Attributes that the schemas do not list among those that can be read, and what they give.
///
/// Source: "Return values" on the page of each resource type.
pub(super) const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("AWS::SNS::Topic", "TopicName", "AWS::SNS::Topic.Name"),
    ("AWS::SQS::Queue", "QueueName", "AWS::SQS::Queue.Name"),
];

/// Where several kinds of things may stand, the type in `cfn` that takes them all.
pub(super) const UNIONS: &[(&str, &[&str])] = &[
    ("AccessLog", &["AWS::Logs::LogGroup.Plain"]),
    ("AlarmAction", &["AWS::SNS::Topic.Arn", "AWS::Lambda::Function.Arn"]),
    ("AnyArn", &["Arn"]),
    ("DeadLetterTarget", &["AWS::SQS::Queue.Arn", "AWS::SNS::Topic.Arn"]),
    ("EventSourceArn", &["AWS::SQS::Queue.Arn", "AWS::DynamoDB::Table.StreamArn"]),
    ("FailureDestination", &["AWS::SQS::Queue.Arn", "AWS::SNS::Topic.Arn", "AWS::S3::Bucket.Arn"]),
    ("FunctionReference", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("IntegrationTarget", &["AWS::Lambda::Function.Arn", "uri"]),
    ("KeyReference", &["AWS::KMS::Key.Arn", "AWS::KMS::Key.Id", "AWS::KMS::Alias.AliasName"]),
    ("KeyIdOrArn", &["AWS::KMS::Key.Arn", "AWS::KMS::Key.Id"]),
    ("RouteTarget", &["AWS::ApiGatewayV2::Integration.Target"]),
    ("SubscriptionEndpoint", &["AWS::SQS::Queue.Arn", "AWS::Lambda::Function.Arn", "uri", "email"]),
];

/// What is no resource type here, but meant by a format.
pub(super) const MARKERS: &[(&str, &str)] =
    &[("AWS::DynamoDB::Table.StreamArn", "TableStream"), ("AWS::Route53::AliasTarget.HostedZoneId", "AliasZoneId")];
