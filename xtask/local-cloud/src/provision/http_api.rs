//! The HTTP API of a template: `AWS::ApiGatewayV2::Api` with its stage, integrations and routes.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html>

use cfn::LogicalId;
use serde_json::Value;

use super::{Made, Maker, ProvisionError, Wanted, text};
use crate::http_api::{AccessLog, Cors, DEFAULT_STAGE, HttpApi, PayloadFormat, Route, RouteKey, Throttle};

/// How many requests a route takes.
pub(super) struct RouteLimit {
    /// The stage that says so.
    stage: LogicalId,
    route_key: String,
    rate: f64,
    burst: f64,
}

impl Maker<'_> {
    pub(super) fn http_api(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let protocol = wanted.text("ProtocolType").unwrap_or_default();
        if protocol != "HTTP" {
            return Err(wanted.wrong(format!("its ProtocolType is {protocol:?}; only HTTP is played here")));
        }
        if self.api.is_some() {
            return Err(wanted.wrong("there is one HTTP API already, and one port for it".to_owned()));
        }
        let cors = wanted.properties.get("CorsConfiguration").map(|config| {
            let list =
                |name: &str| config.get(name).and_then(Value::as_array).into_iter().flatten().map(text).collect();
            Cors {
                allow_origins: list("AllowOrigins"),
                allow_methods: list("AllowMethods"),
                allow_headers: list("AllowHeaders"),
                expose_headers: list("ExposeHeaders"),
                allow_credentials: config.get("AllowCredentials").is_some_and(|value| text(value) == "true"),
                max_age: config.get("MaxAge").and_then(Value::as_u64),
            }
        });
        let id = wanted.id.as_str().to_ascii_lowercase();
        self.api = Some(HttpApi::new(&id, cors));
        Ok(Made::new(&id).with("ApiId", &id).with("ApiEndpoint", &self.given.api_endpoint))
    }

    pub(super) fn stage(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.text("StageName").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name != DEFAULT_STAGE && (name.is_empty() || !name.bytes().all(plain)) {
            return Err(
                wanted.wrong(format!("its StageName is {name:?}; AWS takes letters, digits, - and _, or $default"))
            );
        }
        if self.staged.replace(wanted.id.clone()).is_some() {
            return Err(wanted.wrong("there is one stage already, and one port for it".to_owned()));
        }
        let limits = |settings: &Value| {
            let number = |name: &str| settings.get(name).and_then(Value::as_f64);
            number("ThrottlingRateLimit").zip(number("ThrottlingBurstLimit"))
        };
        let throttle = wanted.properties.get("DefaultRouteSettings").and_then(limits);
        for (key, settings) in wanted.properties.get("RouteSettings").and_then(Value::as_object).into_iter().flatten() {
            let limit = |(rate, burst)| RouteLimit { stage: wanted.id.clone(), route_key: key.clone(), rate, burst };
            self.limits.extend(limits(settings).map(limit));
        }
        let log = wanted.properties.get("AccessLogSettings");
        let part = |name: &str| log.and_then(|log| log.get(name)).map(text);
        let access_log = part("DestinationArn").zip(part("Format")).map(|(arn, format)| {
            let group = arn.split_once(":log-group:").map_or(arn.as_str(), |(_, group)| group);
            AccessLog { group: group.trim_end_matches(":*").to_owned(), format }
        });
        let api = self.api.as_mut().ok_or_else(|| wanted.wrong("there is no API for it".to_owned()))?;
        let clock = self.services.sqs.clock();
        api.stage.clone_from(&name);
        let variables = wanted.properties.get("StageVariables").and_then(Value::as_object).into_iter().flatten();
        api.stage_variables = variables.map(|(name, value)| (name.clone(), text(value))).collect();
        api.throttle = throttle.map(|(rate, burst)| Throttle::new(rate, burst, clock.clone()));
        api.access_log = access_log;
        Ok(Made::new(&name))
    }

    pub(super) fn integration(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let (kind, version) = (wanted.text("IntegrationType"), wanted.text("PayloadFormatVersion"));
        if kind.as_deref() != Some("AWS_PROXY") {
            return Err(wanted.wrong("only IntegrationType AWS_PROXY is played here".to_owned()));
        }
        let payload = version.as_deref().and_then(PayloadFormat::parse);
        let payload =
            payload.ok_or_else(|| wanted.wrong("its PayloadFormatVersion is neither 1.0 nor 2.0".to_owned()))?;
        let uri = wanted.text("IntegrationUri").unwrap_or_default();
        // API Gateway takes the function's ARN, and also a longer one of its own that has the function's inside.
        let arn = uri.split_once("/functions/").map_or(uri.as_str(), |(_, rest)| rest.trim_end_matches("/invocations"));
        if self.services.lambda.function(arn).is_none() {
            return Err(wanted.wrong(format!("there is no function {arn:?}")));
        }
        let id = wanted.id.as_str().to_ascii_lowercase();
        self.integrations.insert(id.clone(), (arn.to_owned(), payload));
        Ok(Made::new(&id).with("IntegrationId", &id))
    }

    pub(super) fn route(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let text = wanted.text("RouteKey").unwrap_or_default();
        let key = RouteKey::parse(&text);
        let key =
            key.ok_or_else(|| wanted.wrong(format!("{text:?} is no route key; write `METHOD /path` or $default")))?;
        let target = wanted.text("Target").unwrap_or_default();
        let integration = target.strip_prefix("integrations/").unwrap_or_default();
        let behind = self.integrations.get(integration).cloned();
        let (function, payload) =
            behind.ok_or_else(|| wanted.wrong(format!("its target {target:?} is no integration")))?;
        if let Some(kind) = wanted.text("AuthorizationType").filter(|kind| kind != "NONE") {
            return Err(wanted.wrong(format!("AuthorizationType {kind} is not played here; only NONE is")));
        }
        let api = self.api.as_mut().ok_or_else(|| wanted.wrong("there is no API for it".to_owned()))?;
        if api.routes.iter().any(|route| route.key == key) {
            return Err(wanted.wrong(format!("there is a route {text} already")));
        }
        api.routes.push(Route { key, function, payload, throttle: None });
        let id = wanted.id.as_str().to_ascii_lowercase();
        Ok(Made::new(&id).with("RouteId", &id))
    }

    /// Gives routes the limits that the stage has for them alone.
    pub(super) fn limit_routes(&mut self) -> Result<(), ProvisionError> {
        for RouteLimit { stage, route_key, rate, burst } in self.limits.drain(..) {
            let routes = self.api.as_mut().map(|api| api.routes.iter_mut()).into_iter().flatten();
            let route = routes.into_iter().find(|route| route.key.to_string() == route_key);
            let route = route.ok_or_else(|| ProvisionError::Resource {
                id: stage.to_string(),
                kind: "AWS::ApiGatewayV2::Stage".to_owned(),
                reason: format!("its RouteSettings name {route_key:?}, which is no route"),
            })?;
            route.throttle = Some(Throttle::new(rate, burst, self.services.sqs.clock().clone()));
        }
        Ok(())
    }
}
