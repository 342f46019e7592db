//! One signed call to an AWS service, by the name of its operation.
//!
//! An SDK crate contains every operation of its service and takes up to a minute to compile. For a service of which the
//! program uses one or two operations, this module builds the call from the parts that all SDK crates are made of, and
//! which are compiled for them anyway: signing, retries, clock correction, timeouts and the HTTP client. They are
//! assembled here as the generated crates assemble them (`ServiceRuntimePlugin` and `operation_runtime_plugins` in each).
//!
//! Sources of the protocols: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html> and
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

mod xml;

use std::fmt::Debug;

use aws_config::{Region, SdkConfig};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    invocation_id::InvocationIdInterceptor,
    recursion_detection::RecursionDetectionInterceptor,
    request_info::RequestInfoInterceptor,
    retries::classifiers::AwsErrorCodeClassifier,
    service_clock_skew::{DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor},
    user_agent::{ApiMetadata, UserAgentInterceptor},
};
use aws_sdk_cloudformation::{
    config::{
        Layer, RuntimeComponentsBuilder,
        endpoint::{DefaultResolver, Params, ResolveEndpoint},
    },
    error::{BoxError, ErrorMetadata, SdkError},
};
use aws_smithy_runtime::client::{
    http::connection_poisoning::ConnectionPoisoningInterceptor,
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
    stalled_stream_protection::StalledStreamProtectionInterceptor,
};
use aws_smithy_runtime_api::client::{
    auth::{
        AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver, static_resolver::StaticAuthSchemeOptionResolver,
    },
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    result::ConnectorError,
    runtime_plugin::StaticRuntimePlugin,
};
use aws_smithy_types::body::SdkBody;
use aws_types::{SigningName, region::SigningRegion, service_config::ServiceConfigKey};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::patient;
use crate::calls::Watch;

/// A service that is called without an SDK crate of its own.
pub(crate) struct Service {
    /// AWS's id of the service: `AWS_ENDPOINT_URL_<ID>` and `[services]` in AWS's configuration file name it.
    id: &'static str,
    /// Name in the user agent, as the SDK of the service has it.
    agent: &'static str,
    /// Name in the signature.
    signing_name: &'static str,
    protocol: Protocol,
    /// First label of the host in a region; None for IAM, which has one host in a partition.
    host: Option<&'static str>,
}

/// Encoding of requests and responses.
enum Protocol {
    /// The operation in the header `X-Amz-Target`, after `target`; JSON in both directions.
    Json { version: &'static str, target: &'static str },
    /// A form with `Action` and `Version`; answered in XML.
    Query { version: &'static str },
}

/// Amazon CloudWatch Logs: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html>.
pub(crate) const LOGS: Service = Service {
    id: "CloudWatch Logs",
    agent: "cloudwatchlogs",
    signing_name: "logs",
    protocol: Protocol::Json { version: "1.1", target: "Logs_20140328" },
    host: Some("logs"),
};

/// Amazon CloudWatch: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html>.
pub(crate) const CLOUDWATCH: Service = Service {
    id: "CloudWatch",
    agent: "cloudwatch",
    signing_name: "monitoring",
    protocol: Protocol::Json { version: "1.0", target: "GraniteServiceVersion20100801" },
    host: Some("monitoring"),
};

/// AWS Identity and Access Management: <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>.
pub(crate) const IAM: Service = Service {
    id: "IAM",
    agent: "iam",
    signing_name: "iam",
    protocol: Protocol::Query { version: "2010-05-08" },
    host: None,
};

/// Why a call failed, in the types of the SDK's clients.
pub(crate) type CallError = SdkError<ErrorMetadata, HttpResponse>;

/// Calls an operation and reads its response.
///
/// # Errors
/// What an SDK client returns: AWS's error with its code and message, no credentials, no connection, no answer in time,
/// or a response that is not one of this operation.
pub(crate) async fn call<T>(
    config: &SdkConfig,
    watch: Watch,
    service: &Service,
    operation: &'static str,
    input: &impl Serialize,
) -> Result<T, CallError>
where
    T: DeserializeOwned + Debug + Send + Sync + 'static,
{
    let request = serde_json::to_value(input).map_err(SdkError::construction_failure)?;
    let request = Request::new(&service.protocol, operation, &request).map_err(SdkError::construction_failure)?;
    let endpoint = Endpoint::resolve(config, service).await;
    let endpoint = endpoint.map_err(|error| SdkError::dispatch_failure(ConnectorError::other(error, None)))?;
    let is_query = matches!(service.protocol, Protocol::Query { .. });
    let call = Operation::builder()
        .service_name(service.id)
        .operation_name(operation)
        .endpoint_url(&endpoint.url)
        .runtime_plugin(plugin(config, watch, service, endpoint.signing_region))
        .serializer(move |(): ()| request.build())
        .deserializer(move |response: &HttpResponse| read(response, operation, is_query));
    let call = match config.behavior_version() {
        Some(version) => call.behavior_version(version),
        None => call,
    };
    call.build().invoke(()).await
}

/// Everything of a call that does not depend on the operation.
fn plugin(config: &SdkConfig, watch: Watch, service: &Service, region: Option<Region>) -> StaticRuntimePlugin {
    let mut layer = Layer::new("call");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig::default());
    layer.store_put(SigningName::from_static(service.signing_name));
    layer.store_put(ApiMetadata::new(service.agent, env!("CARGO_PKG_VERSION")));
    layer.store_put(patient());
    layer.store_or_unset(region.clone().map(SigningRegion::from));
    layer.store_or_unset(region);
    layer.store_or_unset(config.app_name().cloned());
    layer.store_or_unset(config.retry_config().cloned());
    layer.store_or_unset(config.disable_clock_skew_correction().map(DisableClockSkewCorrection::from));
    if let Some(timeouts) = config.timeout_config() {
        layer.store_put(timeouts.clone());
    }
    if let Some(protection) = config.stalled_stream_protection() {
        layer.store_put(protection);
    }
    let mut components = RuntimeComponentsBuilder::new("call")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )))
        .with_interceptor(ConnectionPoisoningInterceptor::new())
        .with_interceptor(StalledStreamProtectionInterceptor::default())
        .with_interceptor(ServiceClockSkewInterceptor::new())
        .with_interceptor(RequestInfoInterceptor::new())
        .with_interceptor(UserAgentInterceptor::new())
        .with_interceptor(InvocationIdInterceptor::new())
        .with_interceptor(RecursionDetectionInterceptor::new())
        .with_interceptor(watch.clone())
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(watch)
        .with_http_client(config.http_client())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source());
    if let Some(cache) = config.identity_cache() {
        components.set_identity_cache(Some(cache));
    }
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

/// URL of a service, and the region that its requests are signed for.
#[derive(Debug, PartialEq)]
struct Endpoint {
    url: String,
    signing_region: Option<Region>,
}

impl Endpoint {
    /// Finds the URL as the SDK's clients do: `--endpoint-url`, then the variable or the profile's setting for the
    /// service, then the one for all services, then AWS's own host.
    async fn resolve(config: &SdkConfig, service: &Service) -> Result<Self, BoxError> {
        let set = match config.get_origin("endpoint_url").is_client_config() {
            true => None,
            false => own_setting(config, service)?,
        };
        let set = set.or_else(|| config.endpoint_url().map(str::to_owned));
        let region = config.region().cloned();
        let (fips, dual_stack) = (config.use_fips().unwrap_or_default(), config.use_dual_stack().unwrap_or_default());
        match (set, service.host) {
            (Some(url), _) => Ok(Self { url, signing_region: region }),
            (None, Some(host)) => {
                let url = regional(region.as_ref(), host, fips, dual_stack).await?;
                Ok(Self { url, signing_region: region })
            }
            (None, None) => iam(region.as_ref(), fips, dual_stack),
        }
    }
}

/// Endpoint that the environment or the profile sets for the service.
fn own_setting(config: &SdkConfig, service: &Service) -> Result<Option<String>, BoxError> {
    let Some(settings) = config.service_config() else { return Ok(None) };
    let key = ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    Ok(settings.load_config(key.build()?))
}

/// AWS's host in a region. CloudFormation's has the same form and its crate knows the domains of all regions, so only
/// the first label differs.
async fn regional(region: Option<&Region>, host: &str, fips: bool, dual_stack: bool) -> Result<String, BoxError> {
    let region = region.map(|region| region.as_ref().to_owned());
    let params = Params::builder().set_region(region).use_fips(fips).use_dual_stack(dual_stack).build()?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await?;
    let url = endpoint.url();
    let rest = url.strip_prefix("https://cloudformation");
    let rest = rest.ok_or_else(|| format!("the endpoint of {host} cannot be derived from {url}"))?;
    Ok(format!("https://{host}{rest}"))
}

/// IAM's host in the partition of a region.
///
/// Source: <https://docs.aws.amazon.com/general/latest/gr/iam-service.html> and the rules of AWS's SDKs.
fn iam(region: Option<&Region>, fips: bool, dual_stack: bool) -> Result<Endpoint, BoxError> {
    let region = region.map(Region::as_ref).unwrap_or_default();
    let is_in = |start: &str| region.starts_with(start);
    // Without either, with FIPS, with dual stack, with both.
    let (hosts, signing_region) = if is_in("us-gov-") {
        let (plain, dual) = ("iam.us-gov.amazonaws.com", "iam.us-gov.api.aws");
        ([plain, plain, dual, dual], "us-gov-west-1")
    } else if is_in("cn-") {
        let hosts = [
            "iam.cn-north-1.amazonaws.com.cn",
            "iam-fips.amazonaws.com.cn",
            "iam.global.api.amazonwebservices.com.cn",
            "iam-fips.api.amazonwebservices.com.cn",
        ];
        (hosts, "cn-north-1")
    } else if is_in("eusc-") {
        let hosts = [
            "iam.eusc-de-east-1.amazonaws.eu",
            "iam-fips.amazonaws.eu",
            "iam.global.api.amazonwebservices.eu",
            "iam-fips.api.amazonwebservices.eu",
        ];
        (hosts, "eusc-de-east-1")
    } else if is_in("us-iso") || is_in("eu-iso") {
        return Err(format!("the endpoint of IAM for {region} is unknown; set AWS_ENDPOINT_URL_IAM").into());
    } else {
        let hosts = ["iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws"];
        (hosts, "us-east-1")
    };
    let [plain, with_fips, with_dual_stack, with_both] = hosts;
    let host = match (fips, dual_stack) {
        (false, false) => plain,
        (true, false) => with_fips,
        (false, true) => with_dual_stack,
        (true, true) => with_both,
    };
    Ok(Endpoint { url: format!("https://{host}"), signing_region: Some(Region::from_static(signing_region)) })
}

/// A request before it is signed; each attempt sends it.
struct Request {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    fn new(protocol: &Protocol, operation: &str, input: &Value) -> Result<Self, BoxError> {
        let (headers, body) = match protocol {
            Protocol::Json { version, target } => {
                let headers = vec![
                    ("content-type", format!("application/x-amz-json-{version}")),
                    ("x-amz-target", format!("{target}.{operation}")),
                ];
                (headers, serde_json::to_vec(input)?)
            }
            Protocol::Query { version } => {
                let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
                (headers, form(operation, version, input)?.into_bytes())
            }
        };
        Ok(Self { headers, body })
    }

    fn build(&self) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(SdkBody::from(self.body.clone()));
        request.set_method("POST")?;
        request.headers_mut().insert("content-length", self.body.len().to_string());
        for (name, value) in &self.headers {
            request.headers_mut().insert(*name, value.clone());
        }
        Ok(request)
    }
}

/// Members of a request as a form: texts, and lists of texts.
fn form(operation: &str, version: &str, input: &Value) -> Result<String, BoxError> {
    let mut form = String::new();
    let mut writer = aws_smithy_query::QueryWriter::new(&mut form, operation, version);
    for (name, value) in input.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => writer.prefix(name).string(text),
            Value::Array(members) => {
                let mut list = writer.prefix(name).start_list(false, None);
                for member in members {
                    let text =
                        member.as_str().ok_or_else(|| format!("{name} of {operation} holds no text: {member}"))?;
                    list.entry().string(text);
                }
                list.finish();
            }
            other => return Err(format!("{name} of {operation} is neither text nor list: {other}").into()),
        }
    }
    writer.finish();
    Ok(form)
}

/// Reads a response: the operation's result, or AWS's error.
fn read<T: DeserializeOwned>(
    response: &HttpResponse,
    operation: &str,
    is_query: bool,
) -> Result<T, OrchestratorError<ErrorMetadata>> {
    let status = response.status();
    let body = response.body().bytes().unwrap_or_default();
    if !status.is_success() {
        return Err(OrchestratorError::operation(error(response, body, is_query)));
    }
    let read = match is_query {
        true => xml::result(body, operation).and_then(|result| Ok(serde_json::from_value(result)?)),
        false => serde_json::from_slice(body).map_err(BoxError::from),
    };
    read.map_err(|error| {
        let status = status.as_u16();
        OrchestratorError::other(format!("{operation}, HTTP {status}: {error}"))
    })
}

/// AWS's code and message. Where the body names none, the error has none either, as with the SDK's clients.
fn error(response: &HttpResponse, body: &[u8], is_query: bool) -> ErrorMetadata {
    let (code, message) = if is_query {
        let error = xml::read(body).unwrap_or_default();
        let text = |name: &str| error.get("Error")?.get(name)?.as_str().map(str::to_owned);
        (text("Code"), text("Message"))
    } else {
        let error: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| error.get(name)?.as_str().map(str::to_owned);
        // Of services that also speak the query protocol, whose codes differ: `Code;Sender`.
        let query_code = response.headers().get("x-amzn-query-error").and_then(|header| header.split(';').next());
        let code = query_code.or_else(|| response.headers().get("x-amzn-errortype")).map(str::to_owned);
        let code = code.or_else(|| text("code")).or_else(|| text("__type"));
        // `com.amazonaws#Busy:http://...` is `Busy`.
        let code = code.map(|code| {
            let code = code.split(':').next().unwrap_or_default();
            code.rsplit('#').next().unwrap_or_default().to_owned()
        });
        (code, text("message").or_else(|| text("Message")).or_else(|| text("errorMessage")))
    };
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    if let Some(message) = message {
        error = error.message(message);
    }
    error.build()
}

#[cfg(test)]
mod tests;
