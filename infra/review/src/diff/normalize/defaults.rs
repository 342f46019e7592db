//! What AWS takes where a template says nothing, so that spelling it out is no difference.
//!
//! Only properties that can change in place: CloudFormation replaces a resource when a create-only property is added, even
//! with the value that it had.
//!
//! Source: "Update behaviors of stack resources", and the page of each property.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>

use serde_json::{Map, Value as Json, json};

/// Type, way to the property, what AWS takes: a text, or `[text]` for a list of it.
pub(super) const DEFAULTS: &[(&str, &str, &str)] = &[
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
    ("AWS::SQS::Queue", "DelaySeconds", "0"),
    ("AWS::SQS::Queue", "MessageRetentionPeriod", "345600"),
    ("AWS::SQS::Queue", "ReceiveMessageWaitTimeSeconds", "0"),
    ("AWS::SQS::Queue", "VisibilityTimeout", "30"),
    ("AWS::SQS::Queue", "KmsDataKeyReusePeriodSeconds", "300"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
    ("AWS::SNS::Subscription", "RawMessageDelivery", "false"),
    ("AWS::SNS::Subscription", "FilterPolicyScope", "MessageAttributes"),
    ("AWS::SNS::Topic", "ContentBasedDeduplication", "false"),
    ("AWS::SNS::Topic", "TracingConfig", "PassThrough"),
    ("AWS::SNS::Topic", "SignatureVersion", "1"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
    ("AWS::Lambda::Function", "MemorySize", "128"),
    ("AWS::Lambda::Function", "Timeout", "3"),
    ("AWS::Lambda::Function", "Architectures", "[x86_64]"),
    ("AWS::Lambda::Function", "EphemeralStorage.Size", "512"),
    ("AWS::Lambda::Function", "TracingConfig.Mode", "PassThrough"),
    ("AWS::Lambda::EventSourceMapping", "Enabled", "true"),
    ("AWS::Lambda::EventInvokeConfig", "MaximumEventAgeInSeconds", "21600"),
    ("AWS::Lambda::EventInvokeConfig", "MaximumRetryAttempts", "2"),
    ("AWS::Lambda::Url", "InvokeMode", "BUFFERED"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
    ("AWS::ApiGatewayV2::Route", "AuthorizationType", "NONE"),
    ("AWS::ApiGatewayV2::Route", "ApiKeyRequired", "false"),
    ("AWS::ApiGatewayV2::Api", "DisableExecuteApiEndpoint", "false"),
    ("AWS::ApiGatewayV2::Stage", "AutoDeploy", "false"),
    ("AWS::ApiGatewayV2::Integration", "ConnectionType", "INTERNET"),
    ("AWS::ApiGateway::RestApi", "DisableExecuteApiEndpoint", "false"),
    ("AWS::ApiGateway::Method", "ApiKeyRequired", "false"),
    ("AWS::ApiGateway::Stage", "CacheClusterEnabled", "false"),
    ("AWS::ApiGateway::Stage", "TracingEnabled", "false"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
    ("AWS::CloudWatch::Alarm", "ActionsEnabled", "true"),
    ("AWS::CloudWatch::Alarm", "TreatMissingData", "missing"),
    ("AWS::CloudWatch::CompositeAlarm", "ActionsEnabled", "true"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
    ("AWS::KMS::Key", "Enabled", "true"),
    ("AWS::KMS::Key", "EnableKeyRotation", "false"),
    ("AWS::KMS::Key", "PendingWindowInDays", "30"),
    ("AWS::KMS::Key", "Description", ""),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
    ("AWS::IAM::Role", "MaxSessionDuration", "3600"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    ("AWS::DynamoDB::Table", "BillingMode", "PROVISIONED"),
    ("AWS::DynamoDB::Table", "DeletionProtectionEnabled", "false"),
    ("AWS::DynamoDB::Table", "TableClass", "STANDARD"),
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", "false"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
    ("AWS::Logs::LogGroup", "DeletionProtectionEnabled", "false"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
    ("AWS::Events::Rule", "State", "ENABLED"),
    ("AWS::Scheduler::Schedule", "State", "ENABLED"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-stream.html
    ("AWS::Kinesis::Stream", "RetentionPeriodHours", "24"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html
    ("AWS::ECR::Repository", "ImageTagMutability", "MUTABLE"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
    ("AWS::RDS::DBInstance", "DeletionProtection", "false"),
    ("AWS::RDS::DBInstance", "CopyTagsToSnapshot", "false"),
    ("AWS::RDS::DBInstance", "AllowMajorVersionUpgrade", "false"),
    ("AWS::RDS::DBCluster", "BackupRetentionPeriod", "1"),
    ("AWS::RDS::DBCluster", "CopyTagsToSnapshot", "false"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration.Enabled", "false"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpool.html
    ("AWS::Cognito::UserPool", "MfaConfiguration", "OFF"),
    ("AWS::Cognito::UserPool", "DeletionProtection", "INACTIVE"),
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
    ("AWS::SecretsManager::Secret", "Description", ""),
];

/// Writes down what AWS takes where nothing is said.
pub(super) fn spell_out(kind: &str, properties: &mut Map<String, Json>) {
    let mut added = false;
    for (_, path, value) in DEFAULTS.iter().filter(|(of, ..)| *of == kind) {
        let value = match value.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(item) => json!([item]),
            None => json!(value),
        };
        let (first, rest) = path.split_once('.').map_or((*path, None), |(first, rest)| (first, Some(rest)));
        match (properties.get_mut(first), rest) {
            (None, None) => _ = properties.insert(first.to_owned(), value),
            (None, Some(rest)) => _ = properties.insert(first.to_owned(), json!({ rest: value })),
            (Some(Json::Object(inner)), Some(rest)) if !is_function(inner) => {
                inner.entry(rest).or_insert(value);
            }
            _ => continue,
        }
        added = true;
    }
    if added {
        properties.sort_keys();
    }
}

fn is_function(members: &Map<String, Json>) -> bool {
    members.keys().any(|key| key == "Ref" || key.starts_with("Fn::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::schema;

    #[test]
    fn defaults_are_of_properties_that_change_in_place() {
        for (kind, path, _) in DEFAULTS {
            let lifecycle = schema::lifecycle(kind).unwrap_or_else(|| panic!("{kind} is no type"));
            let first = path.split('.').next().unwrap_or_default();
            let replaces = |other: &str| other == *path || other == first;
            let fixed = lifecycle.create_only.iter().any(replaces);
            assert!(!fixed, "{kind} {path} is create-only: to spell it out replaces the resource");
            if let Some(known) = schema::of(kind) {
                assert!(known.properties.properties.iter().any(|(name, _)| *name == first), "{kind} has no {path}");
            }
        }
    }
}
