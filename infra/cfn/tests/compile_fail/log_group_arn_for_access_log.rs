//! An access log takes the group itself: its ARN ends in `:*`, which API Gateway refuses.

use cfn::{Handle, constructs::LogGroup, resources::apigatewayv2::stage::AccessLogSettings};

fn wrong(group: &Handle<LogGroup>) {
    AccessLogSettings { destination_arn: Some(group.arn().into()), format: None };
}

fn main() {}
