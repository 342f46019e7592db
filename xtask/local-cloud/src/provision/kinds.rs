//! What is played here and what is not, as tables.

/// Why a type that no table names has no effect.
pub(super) const UNKNOWN: &str = "this type is not played here";

const PERMISSIONS: &str = "permissions are not checked";
const ENCRYPTION: &str = "nothing is encrypted at rest";
const ADDRESSES: &str = "the API answers at its port, without a domain of its own";
const WATCHING: &str = "dashboards are not drawn";
const BINARIES: &str = "the binaries of this machine run, not the zips";
const NO_EFFECT: &str = "this property has no effect here";

/// Why resources of this type have no effect, when they have none.
pub(super) fn without_effect(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::IAM::Role"
        | "AWS::IAM::Policy"
        | "AWS::IAM::ManagedPolicy"
        | "AWS::Lambda::Permission"
        | "AWS::SQS::QueuePolicy"
        | "AWS::SNS::TopicPolicy" => PERMISSIONS,
        "AWS::KMS::Key" | "AWS::KMS::Alias" => ENCRYPTION,
        "AWS::ApiGatewayV2::DomainName"
        | "AWS::ApiGatewayV2::ApiMapping"
        | "AWS::CertificateManager::Certificate"
        | "AWS::Route53::RecordSet" => ADDRESSES,
        "AWS::CloudWatch::Dashboard" => WATCHING,
        _ => return None,
    })
}

/// Whether a type is played here, or is known to have nothing to play.
pub(super) fn is_known(kind: &str) -> bool {
    without_effect(kind).is_some() || HONOURED.iter().any(|(known, _)| *known == kind)
}

/// What of each type has an effect.
const HONOURED: &[(&str, &[&str])] = &[
    (
        "AWS::SQS::Queue",
        &[
            "QueueName",
            "FifoQueue",
            "ContentBasedDeduplication",
            "VisibilityTimeout",
            "DelaySeconds",
            "MessageRetentionPeriod",
            "ReceiveMessageWaitTimeSeconds",
            "MaximumMessageSize",
            "RedrivePolicy",
            "RedriveAllowPolicy",
            "DeduplicationScope",
            "FifoThroughputLimit",
            "Tags",
        ],
    ),
    (
        "AWS::SNS::Topic",
        &[
            "TopicName",
            "FifoTopic",
            "ContentBasedDeduplication",
            "FifoThroughputScope",
            "DisplayName",
            "Subscription",
            "MaximumMessageSize",
            "Tags",
        ],
    ),
    (
        "AWS::SNS::Subscription",
        &[
            "TopicArn",
            "Protocol",
            "Endpoint",
            "RawMessageDelivery",
            "FilterPolicy",
            "FilterPolicyScope",
            "RedrivePolicy",
            "DeliveryPolicy",
        ],
    ),
    ("AWS::SecretsManager::Secret", &["Name", "Description", "SecretString", "GenerateSecretString"]),
    ("AWS::Logs::LogGroup", &["LogGroupName"]),
    (
        "AWS::Lambda::Function",
        &[
            "FunctionName",
            "Handler",
            "Runtime",
            "MemorySize",
            "Timeout",
            "Environment",
            "LoggingConfig",
            "ReservedConcurrentExecutions",
            "DeadLetterConfig",
            "Description",
            "RecursiveLoop",
        ],
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        &[
            "EventSourceArn",
            "FunctionName",
            "BatchSize",
            "MaximumBatchingWindowInSeconds",
            "ScalingConfig",
            "FunctionResponseTypes",
            "Enabled",
            "FilterCriteria",
        ],
    ),
    (
        "AWS::Lambda::EventInvokeConfig",
        &["FunctionName", "Qualifier", "MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"],
    ),
    ("AWS::Logs::MetricFilter", &["FilterName", "FilterPattern", "LogGroupName", "MetricTransformations"]),
    (
        "AWS::CloudWatch::Alarm",
        &[
            "AlarmName",
            "AlarmDescription",
            "AlarmActions",
            "OKActions",
            "InsufficientDataActions",
            "ActionsEnabled",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluationPeriods",
            "MetricName",
            "Namespace",
            "Period",
            "Statistic",
            "Threshold",
            "TreatMissingData",
        ],
    ),
    ("AWS::ApiGatewayV2::Api", &["Name", "Description", "ProtocolType", "CorsConfiguration"]),
    (
        "AWS::ApiGatewayV2::Stage",
        &[
            "ApiId",
            "StageName",
            "AutoDeploy",
            "DefaultRouteSettings",
            "RouteSettings",
            "StageVariables",
            "AccessLogSettings",
        ],
    ),
    ("AWS::ApiGatewayV2::Integration", &["ApiId", "IntegrationType", "IntegrationUri", "PayloadFormatVersion"]),
    ("AWS::ApiGatewayV2::Route", &["ApiId", "RouteKey", "Target", "AuthorizationType"]),
];

/// Why a property has no effect, when it has none.
pub(super) fn property_without_effect(kind: &str, property: &str) -> Option<&'static str> {
    let (_, honoured) = HONOURED.iter().find(|(known, _)| *known == kind)?;
    if honoured.contains(&property) {
        return None;
    }
    Some(match property {
        "KmsMasterKeyId" | "KmsKeyId" | "KmsKeyArn" | "SqsManagedSseEnabled" | "KmsDataKeyReusePeriodSeconds" => {
            ENCRYPTION
        }
        "Role" => PERMISSIONS,
        "Code" | "Architectures" => BINARIES,
        "DisableExecuteApiEndpoint" => ADDRESSES,
        _ => NO_EFFECT,
    })
}
