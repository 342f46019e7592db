//! The members of each union, and values that are made for one.

use super::{
    AccessLog, AlarmAction, DeadLetterTarget, EventSourceArn, FailureDestination, FunctionReference, IntegrationTarget,
    KeyIdOrArn, KeyReference, Member, RouteTarget, SubscriptionEndpoint, TableStream,
};
use crate::{
    Arn, Handle, Id, Name, Url, Value,
    resources::{apigatewayv2, kms, lambda, logs, s3, sns, sqs},
    value::own_arn,
};

macro_rules! members {
    ($( $union:ident: $( $member:ty ),*; )*) => {
        $($(
            // The list of all members of all unions would say less than the note of the trait.
            #[diagnostic::do_not_recommend]
            impl Member<$union> for $member {}
        )*)*
    };
}

members! {
    AlarmAction: Arn<sns::Topic>, Arn<lambda::Function>;
    DeadLetterTarget: Arn<sqs::Queue>, Arn<sns::Topic>;
    EventSourceArn: Arn<sqs::Queue>, TableStream;
    FailureDestination: Arn<sqs::Queue>, Arn<sns::Topic>, Arn<s3::Bucket>;
    FunctionReference: Arn<lambda::Function>, Name<lambda::Function>, Arn<lambda::Alias>, Arn<lambda::Version>;
    IntegrationTarget: Arn<lambda::Function>, Url<apigatewayv2::Integration>;
    KeyIdOrArn: Arn<kms::Key>, Id<kms::Key>;
    KeyReference: Arn<kms::Key>, Id<kms::Key>, Name<kms::Alias>;
    SubscriptionEndpoint: Arn<sqs::Queue>, Arn<lambda::Function>, Url<sns::Subscription>;
}

/// API Gateway takes the group's ARN without the `:*` that `Fn::GetAtt` ends it with.
impl From<&Handle<logs::LogGroup>> for Value<AccessLog> {
    fn from(group: &Handle<logs::LogGroup>) -> Self {
        own_arn::<logs::LogGroup>("logs", ["log-group:".into(), group.name().into()]).assume()
    }
}

impl From<&Handle<apigatewayv2::Integration>> for Value<RouteTarget> {
    fn from(integration: &Handle<apigatewayv2::Integration>) -> Self {
        Value::sub(["integrations/".into(), integration.integration_id().into()])
    }
}

impl Value<KeyReference> {
    /// The key that an AWS service manages itself, by its alias: `alias/aws/<service>`.
    #[must_use]
    pub fn managed_by_aws(service: &str) -> Self {
        Value::<Name<kms::Alias>>::from(format!("alias/aws/{service}")).into()
    }
}
