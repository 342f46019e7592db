//! The actions that a deployment needs in AWS: those that this program calls, and those that CloudFormation calls in the
//! caller's name to create, read, change and delete each resource of the template. A rollback deletes what was created.

use std::collections::{BTreeMap, BTreeSet};

/// Calls of this program to the stack, whatever state it is in.
const STACK: &[&str] = &[
    "cloudformation:CancelUpdateStack",
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetStackPolicy",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:RollbackStack",
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateTerminationProtection",
];

/// Calls of this program to the stack with the bucket of the zips, which a first deployment creates.
const BUCKET_STACK: &[&str] = &[
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
];

/// Actions that CloudFormation calls for the bucket of the zips.
const BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetBucketPolicy",
    "s3:ListBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

/// Calls of this program to the bucket's objects. CloudFormation reads them for Lambda.
const OBJECTS: &[&str] = &["s3:DeleteObjectTagging", "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"];

/// Actions that read beside the stack: alarms in ALARM, messages that would be lost, and the code that runs.
const READS: &[(&str, &str)] = &[
    ("AWS::CloudWatch::Alarm", "cloudwatch:DescribeAlarms"),
    ("AWS::Lambda::Function", "lambda:GetFunctionConfiguration"),
    ("AWS::SQS::Queue", "sqs:GetQueueAttributes"),
];

/// API Gateway's actions are the methods of HTTP.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html>
const API_GATEWAY: &[&str] =
    &["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"];

/// Actions that CloudFormation calls in the caller's name for a resource of each kind, as far as the service's templates use its
/// properties: `handlers` of the kind's schema (create, read, update, delete), and the documentation of what it refers to.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html>
const KINDS: &[(&str, &[&str])] = &[
    ("AWS::ApiGatewayV2::Api", API_GATEWAY),
    ("AWS::ApiGatewayV2::ApiMapping", API_GATEWAY),
    (
        "AWS::ApiGatewayV2::DomainName",
        &[
            "apigateway:AddCertificateToDomain",
            "apigateway:DELETE",
            "apigateway:GET",
            "apigateway:PATCH",
            "apigateway:POST",
            "apigateway:PUT",
            "apigateway:RemoveCertificateFromDomain",
        ],
    ),
    ("AWS::ApiGatewayV2::Integration", API_GATEWAY),
    ("AWS::ApiGatewayV2::Route", API_GATEWAY),
    (
        // The last eight are for its access log:
        // <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html>
        "AWS::ApiGatewayV2::Stage",
        &[
            "apigateway:DELETE",
            "apigateway:GET",
            "apigateway:PATCH",
            "apigateway:POST",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
    ),
    (
        "AWS::CertificateManager::Certificate",
        &[
            "acm:DeleteCertificate",
            "acm:DescribeCertificate",
            "acm:RequestCertificate",
            "acm:UpdateCertificateOptions",
            "route53:ChangeResourceRecordSets",
        ],
    ),
    ("AWS::CloudWatch::Alarm", &["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"]),
    (
        "AWS::CloudWatch::Dashboard",
        &["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"],
    ),
    (
        "AWS::IAM::Role",
        &[
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
        ],
    ),
    (
        // Functions, log groups and queues that a key encrypts need its grants beside it.
        "AWS::KMS::Key",
        &[
            "kms:CreateGrant",
            "kms:CreateKey",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:UpdateKeyDescription",
            "logs:AssociateKmsKey",
        ],
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        &[
            "lambda:CreateEventSourceMapping",
            "lambda:DeleteEventSourceMapping",
            "lambda:GetEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
        ],
    ),
    (
        "AWS::Lambda::Function",
        &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetFunction",
            "lambda:PutFunctionConcurrency",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
    ),
    ("AWS::Lambda::Permission", &["lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"]),
    (
        "AWS::Logs::LogGroup",
        &[
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DescribeLogGroups",
            "logs:PutRetentionPolicy",
        ],
    ),
    ("AWS::Logs::MetricFilter", &["logs:DeleteMetricFilter", "logs:DescribeMetricFilters", "logs:PutMetricFilter"]),
    (
        "AWS::Route53::RecordSet",
        &[
            "route53:ChangeResourceRecordSets",
            "route53:GetChange",
            "route53:GetHostedZone",
            "route53:ListHostedZones",
            "route53:ListResourceRecordSets",
        ],
    ),
    (
        "AWS::SNS::Subscription",
        &["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe"],
    ),
    (
        "AWS::SNS::Topic",
        &[
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:SetTopicAttributes",
        ],
    ),
    ("AWS::SNS::TopicPolicy", &["sns:GetTopicAttributes", "sns:SetTopicAttributes"]),
    (
        "AWS::SQS::Queue",
        &["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SetQueueAttributes"],
    ),
    ("AWS::SQS::QueuePolicy", &["sqs:GetQueueAttributes", "sqs:SetQueueAttributes"]),
    (
        "AWS::SecretsManager::Secret",
        &[
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:UpdateSecret",
        ],
    ),
];

/// Actions that IAM allows on all resources only.
const WITHOUT_RESOURCE: &[&str] = &[
    "acm:RequestCertificate",
    "cloudwatch:DescribeAlarms",
    "kms:CreateKey",
    "lambda:CreateEventSourceMapping",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "route53:ListHostedZones",
    "secretsmanager:GetRandomPassword",
];

/// Where the resources are, for their ARNs.
pub(super) struct Place<'a> {
    /// Such as `aws`.
    pub(super) partition: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) stack: &'a str,
}

/// Everything that is needed for these kinds: actions by the resources that they are for, each an ARN with `*` at its end;
/// and the kinds of which it is not known.
pub(super) fn needed<'a>(
    kinds: &'a [String],
    place: &Place<'_>,
) -> (BTreeMap<String, BTreeSet<&'static str>>, Vec<&'a str>) {
    let Place { partition, region, account, stack } = place;
    let mut needed: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut add = |resource: String, actions: &[&'static str]| needed.entry(resource).or_default().extend(actions);
    let cloudformation = format!("arn:{partition}:cloudformation:{region}:{account}:stack");
    add(format!("{cloudformation}/{stack}/*"), STACK);
    add(format!("{cloudformation}/{stack}-artifacts/*"), BUCKET_STACK);
    add(format!("arn:{partition}:s3:::{stack}-artifacts-*"), BUCKET);
    add(format!("arn:{partition}:s3:::{stack}-artifacts-*/*"), OBJECTS);
    let mut unknown = Vec::new();
    for kind in kinds {
        let Some((_, actions)) = KINDS.iter().find(|(known, _)| known == kind) else {
            unknown.push(kind.as_str());
            continue;
        };
        let reads = READS.iter().filter(|(of, _)| of == kind).map(|(_, action)| *action);
        for action in actions.iter().copied().chain(reads) {
            add(place.resource(action), &[action]);
        }
    }
    (needed, unknown)
}

impl Place<'_> {
    /// The resources of this stack that an action is for.
    fn resource(&self, action: &str) -> String {
        let Self { partition, region, account, stack } = self;
        let (service, name) = action.split_once(':').unwrap_or((action, ""));
        if WITHOUT_RESOURCE.contains(&action) {
            return "*".to_owned();
        }
        match service {
            "apigateway" => format!("arn:{partition}:apigateway:{region}::/*"),
            "acm" => format!("arn:{partition}:acm:{region}:{account}:certificate/*"),
            "cloudwatch" if name.contains("Dashboard") => {
                format!("arn:{partition}:cloudwatch::{account}:dashboard/{stack}*")
            }
            "cloudwatch" => format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-*"),
            "iam" => format!("arn:{partition}:iam::{account}:role/{stack}-*"),
            "kms" => format!("arn:{partition}:kms:{region}:{account}:key/*"),
            "lambda" if name.ends_with("EventSourceMapping") => {
                format!("arn:{partition}:lambda:{region}:{account}:event-source-mapping:*")
            }
            "lambda" => format!("arn:{partition}:lambda:{region}:{account}:function:{stack}-*"),
            "logs" => format!("arn:{partition}:logs:{region}:{account}:log-group:*"),
            "route53" if name == "GetChange" => format!("arn:{partition}:route53:::change/*"),
            "route53" => format!("arn:{partition}:route53:::hostedzone/*"),
            "secretsmanager" => format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{stack}-*"),
            "sns" => format!("arn:{partition}:sns:{region}:{account}:{stack}-*"),
            "sqs" => format!("arn:{partition}:sqs:{region}:{account}:{stack}-*"),
            _ => "*".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> =
        Place { partition: "aws", region: "eu-west-1", account: "222222222222", stack: "paypal-subscriptions-prod" };

    #[test]
    fn actions_of_each_kind_are_needed_once_for_the_stacks_own_resources_and_unknown_kinds_are_named() {
        let kinds = ["AWS::SQS::Queue", "AWS::SQS::Queue", "AWS::Lambda::Function", "Custom::Thing"];
        let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let (needed, unknown) = needed(&kinds, &PLACE);
        assert_eq!(unknown, ["Custom::Thing"]);
        let queues = &needed["arn:aws:sqs:eu-west-1:222222222222:paypal-subscriptions-prod-*"];
        assert_eq!(queues.len(), 5);
        assert!(needed["arn:aws:iam::222222222222:role/paypal-subscriptions-prod-*"].contains("iam:PassRole"));
        assert!(needed["arn:aws:s3:::paypal-subscriptions-prod-artifacts-*/*"].contains("s3:PutObject"));
    }

    /// Every created resource may have to be deleted: a first deployment that fails is rolled back.
    #[test]
    fn what_may_be_created_may_be_deleted() {
        let undo = [
            ("Create", "Delete"),
            ("Put", "Delete"),
            ("POST", "DELETE"),
            ("Subscribe", "Unsubscribe"),
            ("AddPermission", "RemovePermission"),
            ("RequestCertificate", "DeleteCertificate"),
            ("ChangeResourceRecordSets", "ChangeResourceRecordSets"),
            ("CreateKey", "ScheduleKeyDeletion"),
            ("SetTopicAttributes", "SetTopicAttributes"),
            ("SetQueueAttributes", "SetQueueAttributes"),
        ];
        for (kind, actions) in KINDS {
            let names: Vec<_> = actions.iter().map(|action| action.split_once(':').unwrap().1).collect();
            let has = |start: &str| names.iter().any(|name| name.starts_with(start));
            assert!(undo.iter().any(|(create, delete)| has(create) && has(delete)), "{kind}: {names:?}");
        }
    }

    #[test]
    fn actions_are_written_as_iam_writes_them() {
        let all = [STACK, BUCKET_STACK, BUCKET, OBJECTS, WITHOUT_RESOURCE].concat();
        for action in all.iter().chain(KINDS.iter().flat_map(|(_, actions)| *actions)) {
            let (service, name) = action.split_once(':').unwrap();
            assert!(service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{action}");
            assert!(name.starts_with(|letter: char| letter.is_ascii_uppercase()), "{action}");
        }
    }
}
