//! HTTP APIs of API Gateway, whose routes are bound to functions.

use serde_json::{Value as Json, json};

use super::{Function, LogGroup};
use crate::{Handle, Kind, Part, Stack, Url, Value, value::own_arn};

/// An HTTP API with one stage, deployed at every change.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-api.html>
pub struct HttpApi {
    /// Its name in the account.
    pub name: String,
    /// Which pages of other origins may call it; none without.
    pub cors: Option<Cors>,
    /// How many requests it takes, over all routes.
    pub throttle: Throttle,
    /// Where a line for each request goes.
    pub access_log: Handle<LogGroup>,
    /// Whether it answers at AWS's own address as well; with a domain of its own it should not, or the domain's rules
    /// could be passed by.
    pub default_endpoint: bool,
}

/// Which pages of other origins may call the API.
pub struct Cors {
    /// Such as `https://shop.example.com`.
    pub allow_origins: Vec<String>,
    /// Such as `content-type`.
    pub allow_headers: Vec<String>,
}

/// How many requests are taken.
pub struct Throttle {
    /// Requests per second, in the long run.
    pub rate: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Kind for HttpApi {
    const TYPE: &'static str = "AWS::ApiGatewayV2::Api";
}

pub(super) struct Stage;

impl Kind for Stage {
    const TYPE: &'static str = "AWS::ApiGatewayV2::Stage";
}

struct Integration;

impl Kind for Integration {
    const TYPE: &'static str = "AWS::ApiGatewayV2::Integration";
}

struct Route;

impl Kind for Route {
    const TYPE: &'static str = "AWS::ApiGatewayV2::Route";
}

struct Permission;

impl Kind for Permission {
    const TYPE: &'static str = "AWS::Lambda::Permission";
}

impl Handle<HttpApi> {
    /// The API's id.
    #[must_use]
    pub fn api_id(&self) -> Value<String> {
        self.reference()
    }

    /// Where the API answers at AWS's own address.
    #[must_use]
    pub fn endpoint(&self) -> Value<Url<HttpApi>> {
        self.attribute("ApiEndpoint")
    }
}

/// The access log's line. No query, no headers, no bodies: they may hold what no log may.
const ACCESS_LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","routeKey":"$context.routeKey","status":"$context.status","#,
    r#""responseLatency":"$context.responseLatency","integrationError":"$context.integrationErrorMessage"}"#
);

impl Stack {
    /// Adds an API and its stage `<id>Stage`.
    pub fn http_api(&mut self, id: &str, api: &HttpApi) -> Handle<HttpApi> {
        let cors = api.cors.as_ref().map(|cors| {
            json!({ "AllowOrigins": cors.allow_origins, "AllowHeaders": cors.allow_headers, "AllowMethods": ["GET", "POST"] })
        });
        let handle = self.add::<HttpApi>(
            id,
            json!({
                "Name": api.name,
                "ProtocolType": "HTTP",
                "CorsConfiguration": cors,
                "DisableExecuteApiEndpoint": !api.default_endpoint,
            }),
        );
        self.add::<Stage>(
            &stage_id(&handle),
            json!({
                "ApiId": handle.api_id(),
                "StageName": "$default",
                "AutoDeploy": true,
                "DefaultRouteSettings": {
                    "ThrottlingRateLimit": api.throttle.rate,
                    "ThrottlingBurstLimit": api.throttle.burst,
                },
                "AccessLogSettings": { "DestinationArn": access_log_arn(&api.access_log), "Format": ACCESS_LOG_FORMAT },
            }),
        );
        handle
    }

    /// Binds a route to a function, and lets this route of this API call it; nothing else.
    pub fn route(&mut self, api: &Handle<HttpApi>, method: &str, path: &str, function: &Handle<Function>) {
        let id = &function.id;
        let integration = self.add::<Integration>(
            &format!("{id}Integration"),
            json!({
                "ApiId": api.api_id(),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function.arn(),
                "PayloadFormatVersion": "2.0",
            }),
        );
        let target: Value<String> = Value::sub(["integrations/".into(), integration.reference::<String>().part()]);
        self.add::<Route>(
            &format!("{id}Route"),
            json!({
                "ApiId": api.api_id(),
                "RouteKey": format!("{method} {path}"),
                "AuthorizationType": "NONE",
                "Target": target,
            }),
        );
        let source: Value<crate::Arn<Route>> =
            own_arn("execute-api", [api.api_id().part(), Part::Text(format!("/*/{method}{path}"))]);
        self.add::<Permission>(
            &format!("{id}Permission"),
            json!({
                "Action": "lambda:InvokeFunction",
                "FunctionName": function.arn(),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": source,
            }),
        );
    }
}

pub(super) fn stage_id(api: &Handle<HttpApi>) -> String {
    format!("{}Stage", api.id)
}

/// API Gateway takes the group's ARN without the `:*` that `Fn::GetAtt` ends it with.
fn access_log_arn(group: &Handle<LogGroup>) -> Json {
    own_arn::<LogGroup>("logs", ["log-group:".into(), group.name().part()]).json()
}
