//! A template as a reader asks about it: resources, names, values as text, and every place where a policy can be.
//!
//! Nothing is guessed: what only conditions, mappings, macros or a deployment decide is *unknown*, in the type of each answer.

mod functions;
mod items;
pub mod policies;
pub mod statements;
mod template;
pub mod text;

pub use functions::{functions, functions_of_conditions};
pub use items::{items, known_items, object};
pub use template::{Field, ResourceView, TemplateView};

/// The property that names a resource of this type in its account and region.
pub fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::CloudWatch::Alarm" => "AlarmName",
        "AWS::CloudWatch::Dashboard" => "DashboardName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::Lambda::Function" => "FunctionName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::SecretsManager::Secret" => "Name",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::ApiGatewayV2::DomainName" => "DomainName",
        _ => return None,
    })
}
