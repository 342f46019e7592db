//! What a person must be allowed to do in AWS to deploy a template.

use std::collections::BTreeSet;

/// What the program itself calls, whatever the template holds.
const PROGRAM: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
];

/// What CloudFormation calls in the caller's name to make a resource of each kind, as far as the service's templates use its
/// properties: `handlers.create.permissions` of the kind's schema, and the documentation of what it refers to.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html>
const KINDS: &[(&str, &[&str])] = &[
    ("AWS::ApiGatewayV2::Api", &["apigateway:POST", "apigateway:PUT", "apigateway:TagResource"]),
    ("AWS::ApiGatewayV2::ApiMapping", &["apigateway:POST"]),
    ("AWS::ApiGatewayV2::DomainName", &["apigateway:POST", "apigateway:GET", "apigateway:AddCertificateToDomain"]),
    ("AWS::ApiGatewayV2::Integration", &["apigateway:POST"]),
    ("AWS::ApiGatewayV2::Route", &["apigateway:POST"]),
    ("AWS::ApiGatewayV2::Stage", &["apigateway:POST", "apigateway:TagResource", "logs:CreateLogDelivery"]),
    (
        "AWS::CertificateManager::Certificate",
        &["acm:RequestCertificate", "acm:DescribeCertificate", "route53:ChangeResourceRecordSets"],
    ),
    ("AWS::CloudWatch::Alarm", &["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"]),
    ("AWS::CloudWatch::Dashboard", &["cloudwatch:PutDashboard", "cloudwatch:GetDashboard"]),
    ("AWS::IAM::Role", &["iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:GetRolePolicy"]),
    ("AWS::KMS::Key", &["kms:CreateKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:TagResource"]),
    ("AWS::Lambda::EventSourceMapping", &["lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping"]),
    ("AWS::Lambda::Function", &["lambda:CreateFunction", "lambda:GetFunction", "iam:PassRole"]),
    ("AWS::Lambda::Permission", &["lambda:AddPermission"]),
    ("AWS::Logs::LogGroup", &["logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy"]),
    ("AWS::Logs::MetricFilter", &["logs:PutMetricFilter", "logs:DescribeMetricFilters"]),
    ("AWS::Route53::RecordSet", &["route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"]),
    ("AWS::SNS::Subscription", &["sns:Subscribe"]),
    ("AWS::SNS::Topic", &["sns:CreateTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes"]),
    ("AWS::SNS::TopicPolicy", &["sns:SetTopicAttributes"]),
    ("AWS::SQS::Queue", &["sqs:CreateQueue", "sqs:GetQueueAttributes"]),
    ("AWS::SQS::QueuePolicy", &["sqs:SetQueueAttributes"]),
    ("AWS::SecretsManager::Secret", &["secretsmanager:CreateSecret", "secretsmanager:DescribeSecret"]),
];

/// Everything that is needed for these kinds, sorted; and the kinds of which that is not known.
pub(super) fn needed(kinds: &[String]) -> (BTreeSet<&'static str>, Vec<&str>) {
    let mut actions: BTreeSet<_> = PROGRAM.iter().copied().collect();
    let mut unknown = Vec::new();
    for kind in kinds {
        match KINDS.iter().find(|(known, _)| known == kind) {
            Some((_, needed)) => actions.extend(needed.iter()),
            None => unknown.push(kind.as_str()),
        }
    }
    (actions, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_adds_what_it_needs_once_and_an_unknown_one_is_named() {
        let kinds = ["AWS::SQS::Queue", "AWS::SQS::Queue", "AWS::Lambda::Function", "Custom::Thing"];
        let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let (actions, unknown) = needed(&kinds);
        assert_eq!(unknown, ["Custom::Thing"]);
        assert_eq!(actions.len(), PROGRAM.len() + 5);
        assert!(actions.contains("sqs:CreateQueue") && actions.contains("iam:PassRole"));
    }

    #[test]
    fn actions_are_written_as_iam_writes_them() {
        for action in PROGRAM.iter().chain(KINDS.iter().flat_map(|(_, actions)| *actions)) {
            let (service, name) = action.split_once(':').unwrap();
            assert!(service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{action}");
            assert!(name.starts_with(|letter: char| letter.is_ascii_uppercase()), "{action}");
        }
    }
}
