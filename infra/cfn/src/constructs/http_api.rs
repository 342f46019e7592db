//! HTTP APIs of API Gateway, whose routes are bound to functions.

use serde_json::json;

use super::{Construct, Function, LogGroup};
use crate::{
    Handle, Id, Stack, Url, Value,
    resources::{
        apigatewayv2::{self, api, integration, route, stage as l1},
        lambda,
    },
    value::own_arn,
};

/// An HTTP API with one stage, deployed at every change.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html>
pub struct HttpApi {
    /// Its name in the account.
    pub name: String,
    /// Which pages of other origins may call it; none without.
    pub cors: Option<Cors>,
    /// Throttle of routes that have none of their own.
    pub throttle: Throttle,
    /// Where a line for each request goes.
    pub access_log: Handle<LogGroup>,
    /// What that line says, in API Gateway's variables.
    pub access_log_format: String,
    /// Whether it answers at AWS's own address as well.
    pub default_endpoint: bool,
}

/// Which pages of other origins may call the API.
pub struct Cors {
    /// Such as `https://shop.example.com`.
    pub allow_origins: Vec<String>,
    /// Such as `content-type`.
    pub allow_headers: Vec<String>,
    /// Such as `POST`.
    pub allow_methods: Vec<String>,
}

/// How many requests are taken.
pub struct Throttle {
    /// Requests per second, in the long run.
    pub rate: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Construct for HttpApi {
    type Resource = apigatewayv2::Api;
}

/// A route of an API, bound to a function.
pub struct Route;

impl Construct for Route {
    type Resource = apigatewayv2::Route;
}

/// The access log's line. No query, no headers, no bodies: they may hold what no log may. The sender's address is personal
/// data, without which a flood has no source: the log is to be kept for a short time.
const ACCESS_LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","routeKey":"$context.routeKey","status":"$context.status","#,
    r#""sourceIp":"$context.identity.sourceIp","responseLatency":"$context.responseLatency","integrationError":"$context.integrationErrorMessage"}"#
);

impl HttpApi {
    /// An API that pages of other origins may not call. How much it takes is for the author to say: without a throttle,
    /// anybody could use up the account's.
    #[must_use]
    pub fn new(name: String, throttle: Throttle, access_log: Handle<LogGroup>) -> Self {
        Self {
            name,
            cors: None,
            throttle,
            access_log,
            access_log_format: ACCESS_LOG_FORMAT.to_owned(),
            // Until there is a domain; with one, its rules could be passed by here.
            default_endpoint: true,
        }
    }
}

impl Handle<HttpApi> {
    /// The API's id.
    #[must_use]
    pub fn api_id(&self) -> Value<Id<apigatewayv2::Api>> {
        self.resource().api_id()
    }

    /// Where the API answers at AWS's own address.
    #[must_use]
    pub fn url(&self) -> Value<Url<apigatewayv2::Api>> {
        self.resource().url()
    }
}

impl Stack {
    /// Adds an API and its stage `<id>Stage`.
    #[track_caller]
    pub fn http_api(&mut self, id: &str, http_api: &HttpApi) -> Handle<HttpApi> {
        let cors = http_api.cors.as_ref().map(|cors| api::Cors {
            allow_origins: Some(cors.allow_origins.clone().into()),
            allow_headers: Some(cors.allow_headers.clone().into()),
            allow_methods: Some(cors.allow_methods.clone().into()),
            ..api::Cors::default()
        });
        let properties = apigatewayv2::Api {
            name: Some(http_api.name.clone().into()),
            protocol_type: Some(api::ProtocolType::Http.into()),
            cors_configuration: cors.map(Into::into),
            disable_execute_api_endpoint: Some((!http_api.default_endpoint).into()),
            ..apigatewayv2::Api::default()
        };
        let handle = self.add(id, properties);
        let limits = l1::RouteSettings {
            throttling_rate_limit: Some(http_api.throttle.rate.into()),
            throttling_burst_limit: Some(http_api.throttle.burst.into()),
            ..l1::RouteSettings::default()
        };
        let log = l1::AccessLogSettings {
            destination_arn: Some((&http_api.access_log.resource()).into()),
            format: Some(http_api.access_log_format.clone().into()),
        };
        let stage = apigatewayv2::Stage {
            // Otherwise a change of a route would wait for a deployment that nobody makes.
            auto_deploy: Some(true.into()),
            default_route_settings: Some(limits.into()),
            access_log_settings: Some(log.into()),
            ..apigatewayv2::Stage::new(handle.api_id(), "$default".into())
        };
        self.add(&stage_id(id), stage);
        handle.seen_as()
    }

    /// Binds a route to a function, and lets this route of this API call it; nothing else. Anybody may call the route: what
    /// is in a request is for the function to judge.
    #[track_caller]
    pub fn route(
        &mut self,
        api: &Handle<HttpApi>,
        method: &str,
        path: &str,
        function: &Handle<Function>,
    ) -> Handle<Route> {
        let id = &function.id;
        let target = apigatewayv2::Integration {
            integration_uri: Some(function.arn().into()),
            // The newer one; what the handlers read.
            payload_format_version: Some(integration::PayloadFormatVersion::V2_0.into()),
            ..apigatewayv2::Integration::new(api.api_id(), integration::IntegrationType::AwsProxy.into())
        };
        let target = self.add(&format!("{id}Integration"), target);
        let bound = apigatewayv2::Route {
            authorization_type: Some(route::AuthorizationType::None.into()),
            target: Some((&target).into()),
            ..apigatewayv2::Route::new(api.api_id(), format!("{method} {path}").into())
        };
        let bound = self.add(&format!("{id}Route"), bound);
        let source =
            own_arn::<apigatewayv2::Route>("execute-api", [api.api_id().into(), format!("/*/{method}{path}").into()]);
        let permission = lambda::Permission {
            source_arn: Some(source.into()),
            ..lambda::Permission::new(
                "lambda:InvokeFunction".into(),
                function.arn().into(),
                "apigateway.amazonaws.com".into(),
            )
        };
        self.add(&format!("{id}Permission"), permission);
        bound.seen_as()
    }
}

impl Stack {
    /// Limits the requests of one route, whatever the others take.
    pub fn throttle_route(
        &mut self,
        api: &Handle<HttpApi>,
        method: &str,
        path: &str,
        route: &Handle<Route>,
        throttle: &Throttle,
    ) {
        let settings = json!({ "ThrottlingRateLimit": throttle.rate, "ThrottlingBurstLimit": throttle.burst });
        self.change(&stage(self, api), |stage| {
            let all = stage.properties.entry("RouteSettings").or_insert_with(|| json!({}));
            if let Some(all) = all.as_object_mut() {
                all.insert(format!("{method} {path}"), settings);
            }
            // API Gateway refuses settings of a route that does not exist yet.
            stage.depends_on.push(route.id.clone());
        });
    }
}

/// The stage of an API.
pub(super) fn stage(stack: &Stack, api: &Handle<HttpApi>) -> Handle<apigatewayv2::Stage> {
    stack.existing(&stage_id(api.id.as_str()))
}

fn stage_id(api: &str) -> String {
    format!("{api}Stage")
}
