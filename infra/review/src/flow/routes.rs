//! The routes of APIs: what may be asked for, who is let in, which function answers.

use serde::Serialize;
use serde_json::Value as Json;

use super::{End, targets::end};
use cfn::{
    LogicalId, Template,
    view::{
        Field, ResourceView, TemplateView,
        text::{Piece, Text},
    },
};

const HTTP_API: &str = "AWS::ApiGatewayV2::Api";
const REST_API: &str = "AWS::ApiGateway::RestApi";
const REST_RESOURCE: &str = "AWS::ApiGateway::Resource";

/// The methods of an OpenAPI path.
const METHODS: [&str; 8] =
    ["get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"];

/// How deep resources of a REST API are followed to the root; API Gateway itself refuses a path of so many parts.
const DEEPEST_PATH: usize = 64;

/// A route of an API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// The API.
    pub api: End,
    /// Method and path, such as `GET /plans/list`, or `$default`.
    pub key: String,
    /// Who is let in.
    pub authorization: Authorization,
    /// What answers; nothing where that is not known, or API Gateway answers itself.
    pub to: Option<End>,
    /// The resource that says so.
    pub by: LogicalId,
}

/// Whom a route lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "by")]
pub enum Authorization {
    /// Everyone.
    None,
    /// Who has a key of the API: it tells callers apart, and is not meant to keep anybody out.
    ApiKey,
    /// Whom IAM allows.
    Iam,
    /// Whom an authorizer lets in: its name, as the template has it.
    Authorizer(String),
    /// It is not known: it stands elsewhere, or depends on what only a deployment knows.
    Unknown,
}

impl Authorization {
    /// How much it keeps out: the greater, the more. Nothing where it is not known.
    #[must_use]
    pub fn strength(&self) -> Option<u8> {
        match self {
            Self::None => Some(0),
            Self::ApiKey => Some(1),
            Self::Iam | Self::Authorizer(_) => Some(2),
            Self::Unknown => None,
        }
    }
}

impl std::fmt::Display for Authorization {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => out.write_str("no authorization"),
            Self::ApiKey => out.write_str("an API key only"),
            Self::Iam => out.write_str("IAM"),
            Self::Authorizer(name) => write!(out, "the authorizer {name}"),
            Self::Unknown => out.write_str("an authorization that is not known"),
        }
    }
}

/// Every route of every HTTP, WebSocket and REST API, whether it is a resource of its own or stands in an OpenAPI
/// document, in the order of the template.
#[must_use]
pub fn routes(template: &Template) -> Vec<Route> {
    let facts = TemplateView::of(template);
    let mut found = Vec::new();
    for thing in facts.resources() {
        match thing.resource.kind.as_str() {
            "AWS::ApiGatewayV2::Route" => found.extend(http_route(&facts, thing)),
            HTTP_API => {
                found.extend(quick_route(&facts, thing));
                found.extend(documented(&facts, thing));
            }
            "AWS::ApiGateway::Method" => found.extend(rest_method(&facts, thing)),
            REST_API => found.extend(documented(&facts, thing)),
            _ => {}
        }
    }
    found
}

fn http_route(facts: &TemplateView<'_>, route: ResourceView<'_>) -> Option<Route> {
    let api = end(facts, route.field("ApiId").value()?)?;
    let key = route.text("RouteKey")?.shown();
    let authorization = match route.field("AuthorizationType") {
        Field::Absent => Authorization::None,
        Field::Is(kind) => named(kind.as_str(), route),
        Field::Unknown => Authorization::Unknown,
    };
    let authorization = match authorization {
        Authorization::None if route.truth_or("ApiKeyRequired", false) == Some(true) => Authorization::ApiKey,
        other => other,
    };
    let integration = route.text("Target").and_then(|target| {
        let refers = target.pieces().iter().find_map(|piece| match piece {
            Piece::Ref(id) => facts.resource(id),
            _ => None,
        });
        refers.and_then(|integration| end(facts, integration.field("IntegrationUri").value()?))
    });
    Some(Route { api, key, authorization, to: integration, by: route.id.clone() })
}

/// What AWS calls a kind of authorization, with the authorizer where it has one.
fn named(kind: Option<&str>, thing: ResourceView<'_>) -> Authorization {
    match kind {
        Some("NONE") => Authorization::None,
        Some("AWS_IAM") => Authorization::Iam,
        Some(_) => {
            let by = thing.text("AuthorizerId").map(|id| match id.only() {
                Some(Piece::Ref(id) | Piece::Attribute(id, _)) => id.clone(),
                _ => id.shown(),
            });
            Authorization::Authorizer(by.unwrap_or_else(|| "that is not named".to_owned()))
        }
        None => Authorization::Unknown,
    }
}

/// The route that an API itself names.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html>
fn quick_route(facts: &TemplateView<'_>, api: ResourceView<'_>) -> Option<Route> {
    let target = end(facts, api.field("Target").value()?);
    let key = api.text("RouteKey").map_or_else(|| "$default".to_owned(), |key| key.shown());
    let itself = End::Resource(api.id.clone());
    Some(Route { api: itself, key, authorization: Authorization::None, to: target, by: api.id.clone() })
}

fn rest_method(facts: &TemplateView<'_>, method: ResourceView<'_>) -> Option<Route> {
    let api = end(facts, method.field("RestApiId").value()?)?;
    let verb = method.text("HttpMethod")?.shown();
    let path = method.field("ResourceId").value().map_or_else(|| "/?".to_owned(), |id| rest_path(facts, id));
    let authorization = match method.field("AuthorizationType") {
        Field::Absent => Authorization::None,
        Field::Is(kind) => named(kind.as_str(), method),
        Field::Unknown => Authorization::Unknown,
    };
    let authorization = match authorization {
        Authorization::None if method.truth_or("ApiKeyRequired", false) == Some(true) => Authorization::ApiKey,
        other => other,
    };
    let to = method.field("Integration.Uri").value().and_then(|uri| end(facts, uri));
    Some(Route { api, key: format!("{verb} {path}"), authorization, to, by: method.id.clone() })
}

/// The path of a REST API's resource, from the root.
fn rest_path(facts: &TemplateView<'_>, id: &Json) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut at = Text::of(id);
    for _ in 0..DEEPEST_PATH {
        match at.only() {
            Some(Piece::Attribute(_, attribute)) if attribute == "RootResourceId" => break,
            Some(Piece::Ref(id) | Piece::Attribute(id, _)) => {
                let Some(resource) = facts.resource(id).filter(|thing| thing.is(REST_RESOURCE)) else {
                    parts.push("?".to_owned());
                    break;
                };
                parts.push(resource.text("PathPart").map_or_else(|| "?".to_owned(), |part| part.shown()));
                at = resource.text("ParentId").unwrap_or_default();
            }
            _ => {
                parts.push("?".to_owned());
                break;
            }
        }
    }
    parts.reverse();
    format!("/{}", parts.join("/"))
}

/// The routes of an API's OpenAPI document.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>
fn documented(facts: &TemplateView<'_>, api: ResourceView<'_>) -> Vec<Route> {
    let Field::Is(body) = api.field("Body") else { return Vec::new() };
    let everywhere = body.get("security");
    let mut found = Vec::new();
    for (path, methods) in body.get("paths").and_then(Json::as_object).into_iter().flatten() {
        let methods = methods.as_object().into_iter().flatten();
        for (method, operation) in methods.filter(|(method, _)| METHODS.contains(&method.to_lowercase().as_str())) {
            let verb = if method.starts_with("x-") { "ANY".to_owned() } else { method.to_uppercase() };
            let uri = operation.get("x-amazon-apigateway-integration").and_then(|integration| integration.get("uri"));
            found.push(Route {
                api: End::Resource(api.id.clone()),
                key: format!("{verb} {path}"),
                authorization: secured(operation.get("security").or(everywhere)),
                to: uri.and_then(|uri| end(facts, uri)),
                by: api.id.clone(),
            });
        }
    }
    found
}

/// What an operation's `security` asks for: no list, or an empty requirement in it, lets everyone in.
fn secured(security: Option<&Json>) -> Authorization {
    let Some(requirements) = security else { return Authorization::None };
    let Some(requirements) = requirements.as_array() else { return Authorization::Unknown };
    let names: Option<Vec<&str>> =
        requirements.iter().map(|one| one.as_object()?.keys().next().map(String::as_str)).collect();
    match names.as_deref() {
        None | Some([]) => Authorization::None,
        Some(["sigv4"]) => Authorization::Iam,
        Some(["api_key"]) => Authorization::ApiKey,
        Some(names) => Authorization::Authorizer(names.join(" or ")),
    }
}
