//! What AWS's schemas leave out: which texts fit, and what a text stands for. Every patch says where that is written.

use serde_json::{Map, Value as Json, json};

const GUIDE: &str = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference";

/// Source: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
const RECORD_TYPES: &[&str] = &[
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB",
    "TLSA", "TXT",
];

/// The values of an enum that the schema has as a mere text; the page of the property lists them.
const ENUMS: &[(&str, &str, &[&str])] = &[
    ("AWS::ApiGatewayV2::Api", "BasePath", &["ignore", "prepend", "split"]),
    ("AWS::ApiGatewayV2::Api", "ProtocolType", &["HTTP", "WEBSOCKET"]),
    ("AWS::ApiGatewayV2::Api", "IpAddressType", &["ipv4", "dualstack"]),
    ("AWS::ApiGatewayV2::Authorizer", "AuthorizerPayloadFormatVersion", &["1.0", "2.0"]),
    ("AWS::ApiGatewayV2::Authorizer", "AuthorizerType", &["JWT", "REQUEST"]),
    ("AWS::ApiGatewayV2::DomainName", "DomainNameConfiguration.EndpointType", &["REGIONAL"]),
    ("AWS::ApiGatewayV2::DomainName", "DomainNameConfiguration.IpAddressType", &["ipv4", "dualstack"]),
    ("AWS::ApiGatewayV2::DomainName", "DomainNameConfiguration.SecurityPolicy", &["TLS_1_0", "TLS_1_2"]),
    ("AWS::ApiGatewayV2::Integration", "ConnectionType", &["INTERNET", "VPC_LINK"]),
    ("AWS::ApiGatewayV2::Integration", "ContentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
    ("AWS::ApiGatewayV2::Integration", "IntegrationType", &["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]),
    ("AWS::ApiGatewayV2::Integration", "PassthroughBehavior", &["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]),
    ("AWS::ApiGatewayV2::Integration", "PayloadFormatVersion", &["1.0", "2.0"]),
    ("AWS::ApiGatewayV2::IntegrationResponse", "ContentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
    ("AWS::ApiGatewayV2::Route", "AuthorizationType", &["NONE", "AWS_IAM", "CUSTOM", "JWT"]),
    ("AWS::ApiGatewayV2::Stage", "RouteSettings.LoggingLevel", &["ERROR", "INFO", "OFF"]),
    (
        "AWS::CertificateManager::Certificate",
        "KeyAlgorithm",
        &["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"],
    ),
    ("AWS::CertificateManager::Certificate", "ValidationMethod", &["DNS", "EMAIL", "HTTP"]),
    ("AWS::DynamoDB::Table", "ImportSourceSpecification.InputFormat", &["CSV", "DYNAMODB_JSON", "ION"]),
    ("AWS::Lambda::EventSourceMapping", "StartingPosition", &["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"]),
    ("AWS::Lambda::Version", "RuntimePolicy.UpdateRuntimeOn", &["Auto", "FunctionUpdate", "Manual"]),
    ("AWS::Route53::RecordSet", "Type", RECORD_TYPES),
    ("AWS::Route53::RecordSetGroup", "RecordSet.Type", RECORD_TYPES),
    (
        "AWS::SNS::Subscription",
        "Protocol",
        &["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"],
    ),
    ("AWS::SNS::Subscription", "FilterPolicyScope", &["MessageAttributes", "MessageBody"]),
    ("AWS::SNS::Topic", "FifoThroughputScope", &["Topic", "MessageGroup"]),
    ("AWS::SNS::Topic", "SignatureVersion", &["1", "2"]),
    ("AWS::SNS::Topic", "TracingConfig", &["Active", "PassThrough"]),
    ("AWS::SQS::Queue", "DeduplicationScope", &["messageGroup", "queue"]),
    ("AWS::SQS::Queue", "FifoThroughputLimit", &["perQueue", "perMessageGroupId"]),
];

/// What a text stands for, by its property's path below a resource type; `*` for every type of a service that has it.
const MEANINGS: &[(&str, &str, &[&str])] = &[
    ("AWS::ApiGatewayV2::*", "ApiId", &["AWS::ApiGatewayV2::Api.Id"]),
    ("AWS::ApiGatewayV2::*", "AuthorizerId", &["AWS::ApiGatewayV2::Authorizer.Id"]),
    ("AWS::ApiGatewayV2::*", "CredentialsArn", &["AWS::IAM::Role.Arn"]),
    ("AWS::ApiGatewayV2::*", "DeploymentId", &["AWS::ApiGatewayV2::Deployment.Id"]),
    ("AWS::ApiGatewayV2::*", "IntegrationId", &["AWS::ApiGatewayV2::Integration.Id"]),
    ("AWS::ApiGatewayV2::*", "RouteId", &["AWS::ApiGatewayV2::Route.Id"]),
    ("AWS::ApiGatewayV2::Api", "ApiEndpoint", &["AWS::ApiGatewayV2::Api.Url"]),
    ("AWS::ApiGatewayV2::ApiMapping", "DomainName", &["AWS::ApiGatewayV2::DomainName.Name"]),
    ("AWS::ApiGatewayV2::ApiMapping", "Stage", &["AWS::ApiGatewayV2::Stage.Name"]),
    ("AWS::ApiGatewayV2::Integration", "ConnectionId", &["AWS::ApiGatewayV2::VpcLink.Id"]),
    ("AWS::ApiGatewayV2::Integration", "IntegrationUri", &["AWS::Lambda::Function.Arn", "uri"]),
    ("AWS::ApiGatewayV2::Route", "Target", &["AWS::ApiGatewayV2::Integration.Target"]),
    ("AWS::ApiGatewayV2::RoutingRule", "ActionInvokeApi.ApiId", &["AWS::ApiGatewayV2::Api.Id"]),
    ("AWS::ApiGatewayV2::RoutingRule", "ActionInvokeApi.Stage", &["AWS::ApiGatewayV2::Stage.Name"]),
    ("AWS::ApiGatewayV2::RoutingRule", "DomainNameArn", &["AWS::ApiGatewayV2::DomainName.Arn"]),
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings.DestinationArn", &["AWS::Logs::LogGroup.Plain"]),
    ("AWS::CertificateManager::Certificate", "DomainValidationOption.HostedZoneId", &["AWS::Route53::HostedZone.Id"]),
    ("AWS::CloudWatch::*", "AlarmActions", &["AWS::SNS::Topic.Arn", "AWS::Lambda::Function.Arn"]),
    ("AWS::CloudWatch::*", "InsufficientDataActions", &["AWS::SNS::Topic.Arn", "AWS::Lambda::Function.Arn"]),
    ("AWS::CloudWatch::*", "OKActions", &["AWS::SNS::Topic.Arn", "AWS::Lambda::Function.Arn"]),
    ("AWS::DynamoDB::Table", "StreamArn", &["AWS::DynamoDB::Table.StreamArn"]),
    ("AWS::IAM::*", "ManagedPolicyArns", &["AWS::IAM::ManagedPolicy.Arn"]),
    ("AWS::IAM::*", "PermissionsBoundary", &["AWS::IAM::ManagedPolicy.Arn"]),
    ("AWS::IAM::*", "Roles", &["AWS::IAM::Role.Name"]),
    ("AWS::IAM::RolePolicy", "RoleName", &["AWS::IAM::Role.Name"]),
    ("AWS::KMS::Alias", "TargetKeyId", &["AWS::KMS::Key.Arn", "AWS::KMS::Key.Id"]),
    ("AWS::Lambda::*", "CodeSigningConfigArn", &["AWS::Lambda::CodeSigningConfig.Arn"]),
    ("AWS::Lambda::*", "OnFailure.Destination", &["AWS::SQS::Queue.Arn", "AWS::SNS::Topic.Arn", "AWS::S3::Bucket.Arn"]),
    ("AWS::Lambda::Alias", "FunctionName", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Lambda::EventInvokeConfig", "FunctionName", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Lambda::EventSourceMapping", "EventSourceArn", &["AWS::SQS::Queue.Arn", "AWS::DynamoDB::Table.StreamArn"]),
    ("AWS::Lambda::EventSourceMapping", "FunctionName", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Lambda::Function", "DeadLetterConfig.TargetArn", &["AWS::SQS::Queue.Arn", "AWS::SNS::Topic.Arn"]),
    ("AWS::Lambda::Function", "Layers", &["AWS::Lambda::LayerVersion.Arn"]),
    ("AWS::Lambda::Function", "LoggingConfig.LogGroup", &["AWS::Logs::LogGroup.Name"]),
    ("AWS::Lambda::Function", "Role", &["AWS::IAM::Role.Arn"]),
    ("AWS::Lambda::LayerVersionPermission", "LayerVersionArn", &["AWS::Lambda::LayerVersion.Arn"]),
    ("AWS::Lambda::Permission", "FunctionName", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Lambda::Permission", "SourceArn", &["Arn"]),
    ("AWS::Lambda::Url", "FunctionUrl", &["AWS::Lambda::Url.Url"]),
    ("AWS::Lambda::Url", "TargetFunctionArn", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Lambda::Version", "FunctionName", &["AWS::Lambda::Function.Arn", "AWS::Lambda::Function.Name"]),
    ("AWS::Logs::LogGroup", "Arn", &["AWS::Logs::LogGroup.Arn"]),
    ("AWS::Logs::SubscriptionFilter", "DestinationArn", &["Arn"]),
    ("AWS::Logs::SubscriptionFilter", "RoleArn", &["AWS::IAM::Role.Arn"]),
    ("AWS::Route53::RecordSet", "HostedZoneId", &["AWS::Route53::HostedZone.Id"]),
    ("AWS::Route53::RecordSetGroup", "RecordSet.HostedZoneId", &["AWS::Route53::HostedZone.Id"]),
    ("AWS::Route53::RecordSetGroup", "HostedZoneId", &["AWS::Route53::HostedZone.Id"]),
    ("AWS::S3::BucketPolicy", "Bucket", &["AWS::S3::Bucket.Name"]),
    ("AWS::SecretsManager::*", "RotationLambdaARN", &["AWS::Lambda::Function.Arn"]),
    ("AWS::SecretsManager::*", "SecretId", &["AWS::SecretsManager::Secret.Arn"]),
    ("AWS::SecretsManager::Secret", "Id", &["AWS::SecretsManager::Secret.Arn"]),
    ("AWS::SNS::Subscription", "Endpoint", &["AWS::SQS::Queue.Arn", "AWS::Lambda::Function.Arn", "uri", "email"]),
    ("AWS::SNS::TopicPolicy", "Topics", &["AWS::SNS::Topic.Arn"]),
    ("AWS::SQS::Queue", "QueueUrl", &["AWS::SQS::Queue.Url"]),
    ("AWS::SQS::QueueInlinePolicy", "Queue", &["AWS::SQS::Queue.Url"]),
    ("AWS::SQS::QueuePolicy", "Queues", &["AWS::SQS::Queue.Url"]),
];

/// Properties that the schema has as free JSON, and that have a shape.
const SHAPES: &[(&str, &str, &str)] = &[
    (
        "AWS::SQS::Queue",
        "RedrivePolicy",
        r#"{"type": "object", "additionalProperties": false, "required": ["deadLetterTargetArn", "maxReceiveCount"],
            "properties": {"deadLetterTargetArn": {"type": "string", "format": "AWS::SQS::Queue.Arn"},
                           "maxReceiveCount": {"type": "integer", "minimum": 1, "maximum": 1000}}}"#,
    ),
    (
        "AWS::SQS::Queue",
        "RedriveAllowPolicy",
        r#"{"type": "object", "additionalProperties": false, "required": ["redrivePermission"],
            "properties": {"redrivePermission": {"type": "string", "enum": ["allowAll", "byQueue", "denyAll"]},
                           "sourceQueueArns": {"type": "array", "maxItems": 10, "uniqueItems": true, "insertionOrder": false,
                                               "items": {"type": "string", "format": "AWS::SQS::Queue.Arn"}}}}"#,
    ),
    (
        "AWS::SNS::Subscription",
        "RedrivePolicy",
        r#"{"type": "object", "additionalProperties": false, "required": ["deadLetterTargetArn"],
            "properties": {"deadLetterTargetArn": {"type": "string", "format": "AWS::SQS::Queue.Arn"}}}"#,
    ),
    // A queue's name may have 80 characters, the `.fifo` of a FIFO queue among them.
    (
        "AWS::SQS::Queue",
        "QueueName",
        r#"{"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[A-Za-z0-9_-]+(\\.fifo)?$"}"#,
    ),
];

/// How long a text may be, in characters, where the schema leaves that to prose or to a pattern.
const LENGTHS: &[(&str, &str, u32)] = &[
    // https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html
    ("AWS::ApiGatewayV2::Api", "Name", 128),
    ("AWS::ApiGatewayV2::Stage", "StageName", 128),
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255),
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", 128),
    // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    ("AWS::Lambda::Function", "FunctionName", 64),
];

/// What is listed among the properties, and is none.
const DROPPED: &[(&str, &str)] = &[("AWS::CertificateManager::Certificate", "Id")];

/// Groups of members that the schema leaves to prose.
const GROUPS: &[(&str, &str)] = &[
    // An alias lives as long as what it points to, and has no records of its own.
    ("AWS::Route53::RecordSet", r#"{"dependentExcluded": {"AliasTarget": ["TTL", "ResourceRecords"]}}"#),
];

/// Adds to a schema what it leaves out.
pub(super) fn apply(schema: &mut Json) -> Result<(), String> {
    let kind = schema.get("typeName").and_then(Json::as_str).unwrap_or_default().to_owned();
    let service = kind.rsplit_once("::").map_or(String::new(), |(service, _)| format!("{service}::*"));
    for (_, path, shape) in SHAPES.iter().filter(|(of, ..)| *of == kind) {
        let shape = serde_json::from_str(shape).map_err(|error| format!("{kind} {path}: {error}"))?;
        *property(schema, path).ok_or_else(|| gone(&kind, path))? = shape;
    }
    for (_, path, values) in ENUMS.iter().filter(|(of, ..)| *of == kind) {
        let property = property(schema, path).and_then(Json::as_object_mut).ok_or_else(|| gone(&kind, path))?;
        property.remove("pattern");
        let old = property.insert("enum".to_owned(), json!(values));
        old.map_or(Ok(()), |_| Err(needless(&kind, path)))?;
    }
    for (_, path, length) in LENGTHS.iter().filter(|(of, ..)| *of == kind) {
        let property = property(schema, path).and_then(Json::as_object_mut).ok_or_else(|| gone(&kind, path))?;
        let old = property.insert("maxLength".to_owned(), json!(length));
        old.map_or(Ok(()), |_| Err(needless(&kind, path)))?;
    }
    for (of, path, formats) in MEANINGS.iter().filter(|(of, ..)| *of == kind || *of == service) {
        match property(schema, path).and_then(Json::as_object_mut) {
            Some(property) => set_formats(property, formats),
            // Not every type of a service has it.
            None if of.ends_with('*') => {}
            None => return Err(gone(&kind, path)),
        }
    }
    for (_, name) in DROPPED.iter().filter(|(of, _)| *of == kind) {
        let properties = schema.get_mut("properties").and_then(Json::as_object_mut);
        properties.and_then(|properties| properties.remove(*name)).ok_or_else(|| gone(&kind, name))?;
    }
    for (_, groups) in GROUPS.iter().filter(|(of, _)| *of == kind) {
        let groups: Map<String, Json> = serde_json::from_str(groups).map_err(|error| format!("{kind}: {error}"))?;
        schema.as_object_mut().into_iter().for_each(|schema| schema.extend(groups.clone()));
    }
    Ok(())
}

fn gone(kind: &str, path: &str) -> String {
    let page = kind.trim_start_matches("AWS::").replace("::", "-").to_ascii_lowercase();
    format!("{kind} has no {path} any more; see {GUIDE}/aws-resource-{page}.html and mend the patch")
}

fn needless(kind: &str, path: &str) -> String {
    format!("the schema of {kind} says by itself now what {path} may be; remove the patch")
}

/// A list's meaning is that of its items.
fn set_formats(property: &mut Map<String, Json>, formats: &[&str]) {
    if let Some(items) = property.get_mut("items").and_then(Json::as_object_mut) {
        return set_formats(items, formats);
    }
    property.remove("format");
    property.remove("anyOf");
    match formats {
        [one] => property.insert("format".to_owned(), json!(one)),
        several => {
            property.insert("anyOf".to_owned(), several.iter().map(|format| json!({ "format": format })).collect())
        }
    };
}

/// `Name` is a property of the resource, `Definition.Name` one of an object inside it.
fn property<'a>(schema: &'a mut Json, path: &str) -> Option<&'a mut Json> {
    let pointer = match path.split_once('.') {
        Some((definition, name)) => format!("/definitions/{definition}/properties/{name}"),
        None => format!("/properties/{path}"),
    };
    schema.pointer_mut(&pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Json {
        let text = || json!({"type": "string"});
        json!({"typeName": "AWS::SNS::Subscription", "properties": {
            "Protocol": text(), "FilterPolicyScope": text(), "Endpoint": text(), "RedrivePolicy": text()}})
    }

    #[test]
    fn what_the_schema_leaves_out_is_added() {
        let mut schema = subscription();
        apply(&mut schema).unwrap();
        assert_eq!(schema["properties"]["Protocol"]["enum"][8], "sqs");
        assert_eq!(schema["properties"]["Endpoint"]["anyOf"][0]["format"], "AWS::SQS::Queue.Arn");
        assert_eq!(schema["properties"]["RedrivePolicy"]["required"][0], "deadLetterTargetArn");
    }

    #[test]
    fn a_patch_that_fits_nothing_or_is_needed_no_more_is_refused() {
        let mut schema = subscription();
        schema["properties"].as_object_mut().unwrap().remove("Endpoint");
        assert!(apply(&mut schema).unwrap_err().starts_with("AWS::SNS::Subscription has no Endpoint any more"));
        let mut schema = subscription();
        schema["properties"]["Protocol"]["enum"] = json!(["sqs"]);
        assert!(apply(&mut schema).unwrap_err().ends_with("what Protocol may be; remove the patch"));
    }
}
