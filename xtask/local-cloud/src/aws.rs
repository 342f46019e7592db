//! The front door of the AWS protocols: one port for all services, told apart as AWS's SDKs address them.
//!
//! JSON requests name service and action in `X-Amz-Target`; query requests have an `Action` in their form or their address.
//! Signatures are not checked: this is one machine. The region that a request is signed for is the one that it asks; what
//! is not signed asks the stack's.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    account::Account,
    chaos::{Chaos, Fault},
    cloudformation::CloudFormation,
    control::Control,
    lambda::{self, Asynchronous, Lambda},
    logs::Logs,
    record::{Cause, Recorder, Span, XRAY},
    secrets::Secrets,
    sns::{self, Sns},
    sqs::{self, Sqs},
    wire::{self, ApiError, query::Query, xml::Xml},
};

/// The longest request, in bytes: an event of six megabytes for a function, with room around it.
const LONGEST: usize = 8 << 20;

/// The services behind the door.
#[derive(Clone)]
pub struct Services {
    /// The account that they belong to.
    pub account: Account,
    /// What is done with all of them.
    pub control: Control,
    /// Queues.
    pub sqs: Sqs,
    /// Topics.
    pub sns: Sns,
    /// Secrets.
    pub secrets: Secrets,
    /// Logs.
    pub logs: Logs,
    /// Functions.
    pub lambda: Lambda,
    /// The queue of their asynchronous invocations.
    pub asynchronous: Asynchronous,
    /// What happened, and who works on what.
    pub recorder: Recorder,
    /// What goes wrong on purpose.
    pub chaos: Chaos,
    /// What was made, as a stack.
    pub cloudformation: CloudFormation,
}

/// Serves all of them until the task is aborted: `POST /`, `POST /{account}/{queue}`, and Lambda's
/// `Invoke` and `GetFunctionConfiguration`.
pub(crate) async fn serve(listener: TcpListener, services: Services) {
    let router = Router::new()
        .route("/", any(answer))
        .route("/{account}/{queue}", any(answer))
        .route("/moto-api/reset", post(reset))
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .route("/2015-03-31/functions/{function}/configuration", get(configuration))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(|request, next| wire::serve::whole(LONGEST, request, next)))
        .layer(from_fn(wire::own::own_only))
        .with_state(services);
    wire::serve::serve(listener, router).await;
}

async fn invoke(
    State(services): State<Services>,
    Path(function): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = lambda::api::invoke(&services.lambda, &services.asynchronous, &function, &headers, body);
    cause(&services, &headers).of(work).await
}

async fn configuration(State(services): State<Services>, Path(function): Path<String>) -> Response {
    lambda::api::configuration(&services.lambda, &function)
}

/// Makes queues and topics as the template has them. The path is moto's, whose suites ask for it between their tests.
async fn reset(State(services): State<Services>) -> Response {
    services.control.reset();
    axum::Json(json!({ "status": "ok" })).into_response()
}

async fn answer(State(mut services): State<Services>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(region) = region(&headers).filter(|region| *region != services.account.region) {
        services.sqs = services.sqs.in_region(region);
        services.sns = services.sns.in_region(region);
    }
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let cause = cause(&services, &headers);
    match target.and_then(|target| target.split_once('.')) {
        Some((service, action)) => cause.of(json_request(&services, service, action, &body)).await,
        None => cause.of(query_request(&services, &uri, &body)).await,
    }
}

/// What a call follows from: the access key that it is signed with says which environment makes it. A call from outside
/// may name its trace.
fn cause(services: &Services, headers: &HeaderMap) -> Arc<Cause> {
    let signature = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = signature.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
    let cause = key.map(|key| services.recorder.caller(key)).unwrap_or_default();
    let trace_header = headers.get(XRAY).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let parent = cause.parent.or_else(|| Span::of_headers(headers));
    Arc::new(Cause { parent, trace_header, ..Cause::clone(&cause) })
}

/// Does a function's call, unless it is refused or its answer is lost on purpose. Calls from outside are left in peace: they
/// are a test's or a developer's own.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>
async fn with_faults<T>(
    services: &Services,
    action: &str,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let cause = Cause::current();
    let caller = &cause.from;
    let strikes =
        |fault| caller.starts_with("function:") && services.chaos.strikes(fault, &format!("{action} of {caller}"));
    if strikes(Fault::Throttle) {
        return Err(ApiError::caller("ThrottlingException", "The request was denied due to request throttling."));
    }
    let answer = work.await?;
    if strikes(Fault::LostAnswer) {
        let message = "The request processing has failed because of an unknown error.";
        return Err(ApiError { status: 500, ..ApiError::caller("InternalFailure", message) });
    }
    Ok(answer)
}

async fn json_request(services: &Services, service: &str, action: &str, body: &[u8]) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(if body.is_empty() { b"{}" } else { body }) else {
        return json_error(&ApiError::caller("SerializationException", "the request is not JSON"), service);
    };
    let work = async {
        match service {
            "AmazonSQS" => sqs::actions::run(&services.sqs, action, &request).await,
            "secretsmanager" => services.secrets.run(action, &request),
            "Logs_20140328" => services.logs.run(action, &request),
            _ => Err(ApiError::caller("UnknownOperationException", format!("{service} is not played here"))),
        }
    };
    match with_faults(services, action, work).await {
        Ok(answer) => json_answer(StatusCode::OK, service, &answer),
        Err(error) => json_error(&error, service),
    }
}

fn json_answer(status: StatusCode, service: &str, answer: &Value) -> Response {
    let version = if service == "AmazonSQS" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" };
    let headers = [(header::CONTENT_TYPE, version.to_owned()), (REQUEST_ID, Uuid::new_v4().to_string())];
    (status, headers, answer.to_string()).into_response()
}

const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-amzn-requestid");

fn json_error(error: &ApiError, service: &str) -> Response {
    let prefix = if service == "AmazonSQS" { "com.amazonaws.sqs#" } else { "" };
    let body = json!({ "__type": format!("{prefix}{}", error.shape), "message": error.message });
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = json_answer(status, service, &body);
    if let Ok(code) = format!("{};Sender", error.code).parse() {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}

/// The region in the scope of a signature: `Credential=KEY/20261101/eu-west-1/sqs/aws4_request`.
fn region(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    let region = credential.split('/').nth(2)?;
    let plain = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (plain && !region.is_empty()).then_some(region)
}

const QUEUES: &str = "http://queue.amazonaws.com/doc/2012-11-05/";
const STACKS: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const IDENTITIES: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

async fn query_request(services: &Services, uri: &Uri, body: &[u8]) -> Response {
    let path = uri.path();
    let query = Query::parse(uri.query().unwrap_or_default(), body);
    let Some(action) = query.get("Action") else {
        return query_error(&ApiError::caller("MissingAction", "The request must contain the parameter Action."));
    };
    let namespace = match query.get("Version") {
        // Only queues have addresses of their own, which some clients call without a version.
        version if version == Some("2012-11-05") || version.is_none() && path != "/" => QUEUES,
        Some("2010-05-15") => STACKS,
        Some("2011-06-15") => IDENTITIES,
        _ => "http://sns.amazonaws.com/doc/2010-03-31/",
    };
    let work = async {
        match namespace {
            QUEUES => sqs::query::run(&services.sqs, action, &query, path).await,
            STACKS => services.cloudformation.run(action, &query),
            IDENTITIES => identity(services, action),
            _ => sns::actions::run(&services.sns, action, &query),
        }
    };
    match with_faults(services, action, work).await {
        Ok(inner) => query_answer(action, &inner.finish(), namespace),
        Err(error) => query_error(&error),
    }
}

fn identity(services: &Services, action: &str) -> Result<Xml, ApiError> {
    if action != "GetCallerIdentity" {
        return Err(ApiError::caller("InvalidAction", format!("{action} is not played here")));
    }
    let account = &services.account.id;
    Ok(Xml::default()
        .text("Arn", &format!("arn:aws:iam::{account}:root"))
        .text("UserId", account)
        .text("Account", account))
}

fn query_answer(action: &str, inner: &str, namespace: &str) -> Response {
    let id = Uuid::new_v4();
    let body = format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{inner}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    );
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

fn query_error(error: &ApiError) -> Response {
    let xml = Xml::default().element("ErrorResponse", |xml| {
        let kind = if error.status < 500 { "Sender" } else { "Receiver" };
        xml.element("Error", |xml| xml.text("Type", kind).text("Code", error.code).text("Message", &error.message))
            .text("RequestId", &Uuid::new_v4().to_string())
    });
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(header::CONTENT_TYPE, "text/xml")], xml.finish()).into_response()
}
