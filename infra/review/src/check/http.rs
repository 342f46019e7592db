//! HTTP APIs: routes, stages, and who may call the functions behind them.

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
};
use crate::check::context::Facts;
use cfn::view::{
    Field, ResourceView, items,
    text::{Piece, Text},
};

const API: &str = "AWS::ApiGatewayV2::Api";
const ROUTE: &str = "AWS::ApiGatewayV2::Route";
const STAGE: &str = "AWS::ApiGatewayV2::Stage";
const INTEGRATION: &str = "AWS::ApiGatewayV2::Integration";
const MAPPING: &str = "AWS::ApiGatewayV2::ApiMapping";
const FUNCTION: &str = "AWS::Lambda::Function";
const PERMISSION: &str = "AWS::Lambda::Permission";

/// API Gateway gives an integration 30 seconds and no more; a function needs one to answer.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const LONGEST_TIMEOUT_SECONDS: f64 = 29.0;

const METHODS: [&str; 8] = ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HTTP-1",
        severity: Error,
        title: "an API has a route once",
        why: "API Gateway answers 409 (Conflict) to the second route of the same key",
        mend: "remove one of them, or give it another method or path",
        find: same_route,
    },
    Rule {
        id: "HTTP-2",
        severity: Error,
        title: "a route's key is METHOD /path or $default",
        why: "API Gateway refuses other keys",
        mend: "write the method in capitals, a blank, and a path that begins with /; a {name} fills a whole part of it, and \
               {name+} only the last",
        find: route_key,
    },
    Rule {
        id: "HTTP-3",
        severity: Error,
        title: "a route may call its function",
        why: "without a permission for this route of this API, every request is answered with 500",
        mend: "add an AWS::Lambda::Permission whose SourceArn is \
               arn:<partition>:execute-api:<region>:<account>:<api>/*/<METHOD>/<path>",
        find: route_permission,
    },
    Rule {
        id: "HTTP-4",
        severity: Warning,
        title: "a stage limits its requests",
        why: "without limits of its own, one API may use up the account's requests and concurrency",
        mend: "set ThrottlingRateLimit and ThrottlingBurstLimit in DefaultRouteSettings",
        find: throttling,
    },
    Rule {
        id: "HTTP-5",
        severity: Warning,
        title: "CORS names the origins",
        why: "with `*` every page of the web may call the API from its visitors' browsers",
        mend: "list the origins, such as https://shop.example.com",
        find: cors,
    },
    Rule {
        id: "HTTP-6",
        severity: Warning,
        title: "a function behind a route has at most 29 seconds",
        why: "API Gateway gives up after 30 seconds and answers 503; the function would work on for nobody",
        mend: "set Timeout to 29 or less",
        find: timeout,
    },
    Rule {
        id: "HTTP-7",
        severity: Warning,
        title: "an API with a domain of its own answers only there",
        why: "at AWS's own address (execute-api) the domain's rules could be passed by",
        mend: "set DisableExecuteApiEndpoint to true",
        find: default_endpoint,
    },
    Rule {
        id: "HTTP-8",
        severity: Error,
        title: "an integration says which payload format it takes",
        why: "API Gateway refuses an HTTP API's integration without PayloadFormatVersion",
        mend: "set PayloadFormatVersion to \"2.0\"",
        find: payload_format,
    },
    Rule {
        id: "HTTP-9",
        severity: Error,
        title: "route, integration and stage are of one API",
        why: "API Gateway looks for them in the API that is named, and refuses what it does not find there",
        mend: "use the same ApiId",
        find: other_api,
    },
    Rule {
        id: "HTTP-10",
        severity: Warning,
        title: "a stage writes an access log",
        why: "requests that never reach a function (throttled, refused) leave no other trace",
        mend: "set AccessLogSettings with a log group and a format",
        find: access_log,
    },
    Rule {
        id: "HTTP-11",
        severity: Error,
        title: "a stage is deployed",
        why: "a stage without a deployment answers 404 to everything",
        mend: "set AutoDeploy to true, or name a DeploymentId",
        find: deployment,
    },
];

fn is_http(facts: &Facts<'_>, thing: ResourceView<'_>) -> bool {
    let api = thing.field("ApiId").value().and_then(|id| facts.target(id, API));
    api.and_then(|api| api.literal("ProtocolType")).as_deref() == Some("HTTP")
}

fn same_route(facts: &Facts<'_>) -> Vec<Fault> {
    let mut seen: Vec<(Text, Text, ResourceView<'_>)> = Vec::new();
    let mut faults = Vec::new();
    for route in facts.all(ROUTE).filter(|route| route.resource.condition.is_none()) {
        let (Some(api), Some(key)) = (route.text("ApiId"), route.text("RouteKey")) else { continue };
        if let Some((.., other)) = seen.iter().find(|(its_api, its_key, _)| its_api.same(&api) && its_key.same(&key)) {
            let message = format!("{} has the key {} already", other.id, key.shown());
            faults.push(Fault::new(route.at("RouteKey"), message));
        }
        seen.push((api, key, route));
    }
    faults
}

/// Whether another route of the API has the same key.
fn has_twin(facts: &Facts<'_>, route: ResourceView<'_>) -> bool {
    let same = |other: ResourceView<'_>, place: &str| match (route.text(place), other.text(place)) {
        (Some(one), Some(other)) => one.same(&other),
        _ => false,
    };
    facts.all(ROUTE).any(|other| other.id != route.id && same(other, "ApiId") && same(other, "RouteKey"))
}

fn route_key(facts: &Facts<'_>) -> Vec<Fault> {
    let routes = facts.all(ROUTE).filter(|route| is_http(facts, *route));
    routes
        .filter_map(|route| {
            let key = route.literal("RouteKey")?;
            let wrong = key_fault(&key)?;
            Some(Fault::new(route.at("RouteKey"), format!("{key}: {wrong}")))
        })
        .collect()
}

/// What is wrong with a route's key.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
fn key_fault(key: &str) -> Option<String> {
    if key == "$default" {
        return None;
    }
    let Some((method, path)) = key.split_once(' ') else { return Some("not a method and a path".to_owned()) };
    if !METHODS.contains(&method) {
        return Some(format!("{method} is not one of {}", METHODS.join(", ")));
    }
    let Some(parts) = path.strip_prefix('/') else { return Some("the path does not begin with /".to_owned()) };
    let parts: Vec<&str> = parts.split('/').collect();
    for (at, part) in parts.iter().enumerate() {
        let inner = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        let last = at + 1 == parts.len();
        match inner {
            Some(name) if name.ends_with('+') && !last => return Some(format!("{part} is not the last part")),
            Some(name) if name.trim_end_matches('+').is_empty() => return Some(format!("{part} has no name")),
            None if part.contains(['{', '}']) => return Some(format!("{part} is a parameter only in part")),
            None if part.contains([' ', '?', '#']) => return Some(format!("{part} has a character that no path has")),
            _ => {}
        }
    }
    None
}

/// The integration of a route, and the function behind it.
fn function_behind<'a>(facts: &Facts<'a>, route: ResourceView<'a>) -> Option<ResourceView<'a>> {
    let integration = integration_of(facts, route)?;
    if integration.literal("IntegrationType").as_deref() != Some("AWS_PROXY") {
        return None;
    }
    let uri = integration.field("IntegrationUri").value()?;
    facts.target(uri, FUNCTION)
}

fn integration_of<'a>(facts: &Facts<'a>, route: ResourceView<'a>) -> Option<ResourceView<'a>> {
    let target = route.text("Target")?;
    match target.pieces() {
        [Piece::Literal(start), Piece::Ref(id)] if start == "integrations/" => {
            facts.resource(id).filter(|thing| thing.is(INTEGRATION))
        }
        _ => None,
    }
}

fn route_permission(facts: &Facts<'_>) -> Vec<Fault> {
    if facts.may_grow() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for route in facts.all(ROUTE).filter(|route| is_http(facts, *route)) {
        let (Some(function), Some(key)) = (function_behind(facts, route), route.literal("RouteKey")) else { continue };
        let Some(Piece::Ref(api)) = route.text("ApiId").and_then(|api| api.only().cloned()) else { continue };
        // Which permission a key that is none, or another route's, would need, nobody can say.
        if key_fault(&key).is_some() || has_twin(facts, route) {
            continue;
        }
        let permissions = facts.all(PERMISSION).map(|permission| lets(facts, permission, function, &api, &key));
        match permissions.max() {
            Some(Lets::Yes | Lets::Unknown) => {}
            Some(Lets::No) | None => {
                let message = format!("no permission lets {key} of {api} call {}", function.id);
                faults.push(Fault::new(route.path(), message));
            }
        }
    }
    faults
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lets {
    No,
    Unknown,
    Yes,
}

/// Whether a permission lets a route of an API call a function.
fn lets(facts: &Facts<'_>, permission: ResourceView<'_>, function: ResourceView<'_>, api: &str, key: &str) -> Lets {
    let Some(named) = permission.field("FunctionName").value() else { return Lets::Unknown };
    match facts.target(named, FUNCTION) {
        Some(other) if other.id == function.id => {}
        Some(_) => return Lets::No,
        None if Text::of(named).literal().is_some_and(|named| Some(named) == function.name()) => {}
        None => return Lets::Unknown,
    }
    match permission.literal("Principal").as_deref() {
        Some("apigateway.amazonaws.com" | "*") => {}
        Some(_) => return Lets::No,
        None => return Lets::Unknown,
    }
    let source = match permission.field("SourceArn") {
        Field::Absent => return Lets::Yes,
        Field::Is(source) => Text::of(source),
        Field::Unknown => return Lets::Unknown,
    };
    let Some([_, _, service, _, _, rest]) = source.arn() else {
        return if facts.knows(&source) { Lets::No } else { Lets::Unknown };
    };
    match service.literal() {
        Some("execute-api") => {}
        Some(_) => return Lets::No,
        None => return Lets::Unknown,
    }
    match rest.pieces() {
        [Piece::Ref(id), Piece::Literal(scope)] => {
            let fits = id == api && scope_fits(scope, key);
            if fits { Lets::Yes } else { Lets::No }
        }
        [Piece::Ref(id)] if facts.resource(id).is_some() => {
            if id == api {
                Lets::Yes
            } else {
                Lets::No
            }
        }
        [Piece::Literal(all)] if all.starts_with('*') => Lets::Yes,
        _ => Lets::Unknown,
    }
}

/// Whether `/<stage>/<METHOD>/<path>`, with `*` for anything, covers a route's key. A `{name}` of the key stands there as
/// it is, and `*` covers it too.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
fn scope_fits(scope: &str, key: &str) -> bool {
    let Some(scope) = scope.strip_prefix('/') else { return false };
    let wanted = match key.split_once(' ') {
        Some((method, path)) => {
            let method = if method == "ANY" { "*" } else { method };
            format!("stage/{method}{path}")
        }
        None => format!("stage/{key}"),
    };
    // The stage is `*`, or one that this rule does not look into; `$default` writes itself with an escape at times.
    let Some((stage, route)) = scope.split_once('/') else { return scope == "*" };
    let stage = if stage == "*" { "*" } else { "stage" };
    cfn::view::statements::matches(&format!("{stage}/{route}"), &wanted)
}

fn throttling(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for stage in facts.all(STAGE).filter(|stage| is_http(facts, *stage)) {
        for setting in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
            let place = format!("DefaultRouteSettings.{setting}");
            if stage.is_absent(&place) {
                faults.push(Fault::new(stage.path(), format!("the stage has no {setting}")));
            }
        }
    }
    faults
}

fn cors(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for api in facts.all(API) {
        let Field::Is(origins) = api.field("CorsConfiguration.AllowOrigins") else { continue };
        let credentials = api.truth_or("CorsConfiguration.AllowCredentials", false) == Some(true);
        for (path, origin) in items(origins, &api.at("CorsConfiguration.AllowOrigins")) {
            if Text::of(origin).literal() == Some("*") {
                let also = if credentials { ", with credentials, which API Gateway refuses" } else { "" };
                faults.push(Fault::new(path, format!("pages of every origin may call the API{also}")));
            }
        }
    }
    faults
}

fn timeout(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for route in facts.all(ROUTE).filter(|route| is_http(facts, *route)) {
        let Some(function) = function_behind(facts, route) else { continue };
        let Some(seconds) = function.number("Timeout") else { continue };
        let path = function.at("Timeout");
        if seconds > LONGEST_TIMEOUT_SECONDS && faults.iter().all(|fault| fault.path != path) {
            let key = route.literal("RouteKey").unwrap_or_else(|| route.id.to_string());
            faults.push(Fault::new(path, format!("{} may take {seconds} s behind {key}", function.id)));
        }
    }
    faults
}

fn default_endpoint(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for mapping in facts.all(MAPPING) {
        let api = mapping.field("ApiId").value().and_then(|id| facts.target(id, API));
        let Some(api) = api.filter(|api| api.truth_or("DisableExecuteApiEndpoint", false) == Some(false)) else {
            continue;
        };
        if faults.iter().all(|fault| fault.path != api.path()) {
            faults.push(Fault::new(api.path(), format!("{} also answers at execute-api", api.id)));
        }
    }
    faults
}

fn payload_format(facts: &Facts<'_>) -> Vec<Fault> {
    let integrations = facts.all(INTEGRATION).filter(|integration| is_http(facts, *integration));
    let bare = integrations.filter(|integration| {
        integration.literal("IntegrationType").as_deref() == Some("AWS_PROXY")
            && integration.is_absent("IntegrationSubtype")
            && integration.is_absent("PayloadFormatVersion")
    });
    bare.map(|integration| Fault::new(integration.path(), "the integration has no PayloadFormatVersion")).collect()
}

fn other_api(facts: &Facts<'_>) -> Vec<Fault> {
    let api_of =
        |thing: ResourceView<'_>| thing.field("ApiId").value().and_then(|id| facts.target(id, API)).map(|api| api.id);
    let mut faults = Vec::new();
    for route in facts.all(ROUTE) {
        let Some(integration) = integration_of(facts, route) else { continue };
        if let (Some(one), Some(other)) = (api_of(route), api_of(integration))
            && one != other
        {
            let message = format!("the route is of {one}, its integration {} of {other}", integration.id);
            faults.push(Fault::new(route.at("Target"), message));
        }
    }
    for mapping in facts.all(MAPPING) {
        let stage = mapping.field("Stage").value().and_then(|stage| facts.target(stage, STAGE));
        let Some(stage) = stage else { continue };
        if let (Some(one), Some(other)) = (api_of(mapping), api_of(stage))
            && one != other
        {
            let message = format!("the domain is mapped to {one}, its stage {} is of {other}", stage.id);
            faults.push(Fault::new(mapping.at("Stage"), message));
        }
    }
    faults
}

fn access_log(facts: &Facts<'_>) -> Vec<Fault> {
    let stages = facts.all(STAGE).filter(|stage| is_http(facts, *stage) && stage.is_absent("AccessLogSettings"));
    stages.map(|stage| Fault::new(stage.path(), "the stage writes no access log")).collect()
}

fn deployment(facts: &Facts<'_>) -> Vec<Fault> {
    // A deployment may name its stage, as a stage its deployment.
    let deployed = facts.may_grow() || facts.all("AWS::ApiGatewayV2::Deployment").next().is_some();
    let stages = facts.all(STAGE).filter(|stage| {
        let by_itself = stage.truth_or("AutoDeploy", false) != Some(false) || !stage.is_absent("DeploymentId");
        is_http(facts, *stage) && !by_itself && !deployed
    });
    stages.map(|stage| Fault::new(stage.path(), "the stage is never deployed")).collect()
}
