//! Where several kinds of things may stand: each type here takes those, and nothing else.

mod members;

use crate::{Arn, Item, Plain, Value};

/// What a union takes.
#[diagnostic::on_unimplemented(
    message = "`{Union}` does not take `{Self}`",
    label = "not one of those that fit here",
    note = "what fits is written above `cfn::union::{Union}`"
)]
pub trait Member<Union> {}

macro_rules! unions {
    ($( $(#[$doc:meta])* $name:ident; )*) => {
        $(
            $(#[$doc])*
            pub enum $name {}

            impl Plain for $name {}

            impl<M: Member<$name>> From<Value<M>> for Value<$name> {
                fn from(value: Value<M>) -> Self {
                    value.assume()
                }
            }

            // The list of all members of all unions would say less than the note of the trait.
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
    AlarmAction;
    /// Where messages go that nobody could work on: a queue, or a topic.
    DeadLetterTarget;
    /// What feeds a function: a queue, or a table's stream.
    EventSourceArn;
    /// Where a record of a failed invocation goes.
    FailureDestination;
    /// A function, by its ARN or its name; a version and an alias go by ARN too.
    FunctionReference;
    /// What an API hands requests to: a function, or a URL.
    IntegrationTarget;
    /// A key, by its ARN or its id.
    KeyIdOrArn;
    /// A key, by its ARN, its id or the name of an alias.
    KeyReference;
    /// What a topic tells: a queue, a function, or a URL.
    SubscriptionEndpoint;
    /// Where the access log of an API goes; made from a log group's handle.
    AccessLog;
    /// The ARN of whatever it may be.
    AnyArn;
    /// Where a route leads; made from an integration's handle.
    RouteTarget;
    /// The ARN of a table's stream.
    TableStream;
    /// The id of the hosted zone that an AWS service keeps its own addresses in; not a zone of one's own.
    AliasZoneId;
}

#[diagnostic::do_not_recommend]
impl<R> Member<AnyArn> for Arn<R> {}
