//! Where several kinds of things may stand: each type here takes those, and nothing else.

use crate::{
    Arn, Handle, Id, Item, Name, Plain, Url, Value,
    resources::{apigatewayv2, kms, lambda, logs, s3, sns, sqs},
    value::own_arn,
};

/// What a union takes.
#[diagnostic::on_unimplemented(
    message = "`{Union}` does not take `{Self}`",
    label = "not one of those that fit here",
    note = "what fits is written above `cfn::union::{Union}`"
)]
pub trait Member<Union> {}

macro_rules! unions {
    ($( $(#[$doc:meta])* $name:ident: $( $member:ty ),*; )*) => {
        $(
            $(#[$doc])*
            pub enum $name {}

            impl Plain for $name {}

            $(
                // The list of all members of all unions would say less than the note above.
                #[diagnostic::do_not_recommend]
                impl Member<$name> for $member {}
            )*

            impl<M: Member<$name>> From<Value<M>> for Value<$name> {
                fn from(value: Value<M>) -> Self {
                    value.assume()
                }
            }

            // As above.
            #[diagnostic::do_not_recommend]
            impl<M: Member<$name>> Item<$name> for Value<M> {
                fn value(self) -> Value<$name> {
                    self.into()
                }
            }
        )*
    };
}

unions! {
    /// Who is told of an alarm: a topic, or a function.
    AlarmAction: Arn<sns::Topic>, Arn<lambda::Function>;
    /// Where messages go that nobody could work on: a queue, or a topic.
    DeadLetterTarget: Arn<sqs::Queue>, Arn<sns::Topic>;
    /// What feeds a function: a queue, or a table's stream.
    EventSourceArn: Arn<sqs::Queue>, TableStream;
    /// Where a record of a failed invocation goes.
    FailureDestination: Arn<sqs::Queue>, Arn<sns::Topic>, Arn<s3::Bucket>;
    /// A function, by its ARN or its name; a version and an alias go by ARN too.
    FunctionReference: Arn<lambda::Function>, Name<lambda::Function>, Arn<lambda::Alias>, Arn<lambda::Version>;
    /// What an API hands requests to: a function, or a URL.
    IntegrationTarget: Arn<lambda::Function>, Url<apigatewayv2::Integration>;
    /// A key, by its ARN or its id.
    KeyIdOrArn: Arn<kms::Key>, Id<kms::Key>;
    /// A key, by its ARN, its id or the name of an alias.
    KeyReference: Arn<kms::Key>, Id<kms::Key>, Name<kms::Alias>;
    /// What a topic tells: a queue, a function, or a URL.
    SubscriptionEndpoint: Arn<sqs::Queue>, Arn<lambda::Function>, Url<sns::Subscription>;
    /// Where the access log of an API goes; made from a log group's handle.
    AccessLog: ;
    /// The ARN of whatever it may be.
    AnyArn: ;
    /// Where a route leads; made from an integration's handle.
    RouteTarget: ;
    /// The ARN of a table's stream.
    TableStream: ;
    /// The id of the hosted zone that an AWS service keeps its own addresses in; not a zone of one's own.
    AliasZoneId: ;
}

#[diagnostic::do_not_recommend]
impl<R> Member<AnyArn> for Arn<R> {}

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
