use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::service_config::LoadServiceConfig;
use axum::{Router, body::Body, extract::Request as HttpCall, http::Response};
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::failure::failure;

/// A response of the server: status, headers, body. None leaves the request without a response.
type Answer = Option<(u16, Vec<(&'static str, String)>, &'static str)>;

/// A request, as the server received it.
#[derive(Clone, Debug)]
struct Received {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Starts a server that sends these responses in turn, the last one again and again.
async fn server(answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<Received>>>) {
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = received.clone();
    let router = Router::new().fallback(move |call: HttpCall| {
        let (kept, answers) = (kept.clone(), answers.clone());
        async move {
            let (parts, body) = call.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let headers =
                parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let body = String::from_utf8(body.to_vec()).unwrap();
            let number = {
                let mut kept = kept.lock().unwrap();
                kept.push(Received { headers: headers.collect(), body });
                kept.len() - 1
            };
            let Some((status, headers, body)) = answers.get(number).or(answers.last()).unwrap() else {
                return std::future::pending().await;
            };
            let response = headers
                .iter()
                .fold(Response::builder().status(*status), |response, (name, value)| response.header(*name, value));
            response.body(Body::from(*body)).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn answer(status: u16, body: &'static str) -> Answer {
    Some((status, Vec::new(), body))
}

fn config(url: &str) -> aws_types::sdk_config::Builder {
    let retries = RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(1));
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session".to_owned()), None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retries)
        .timeout_config(TimeoutConfig::builder().read_timeout(Duration::from_secs(20)).build())
        .endpoint_url(url)
}

#[derive(Debug, PartialEq, Deserialize)]
struct Found {
    name: String,
}

async fn send(config: &SdkConfig, service: &Service) -> Result<Found, CallError> {
    let input = json!({ "Name": "a b", "List": ["x&y", "z"] });
    call(config, Watch::limited(24), service, "GetThing", &input).await
}

const JSON: &str = r#"{"name":"thing","more":1}"#;
const XML: &str = "<GetThingResponse><GetThingResult><name>thing</name></GetThingResult></GetThingResponse>";

fn found() -> Found {
    Found { name: "thing".to_owned() }
}

#[tokio::test]
async fn json_call_is_signed_for_its_service_and_region() {
    let (url, received) = server(vec![answer(200, JSON)]).await;
    assert_eq!(send(&config(&url).build(), &LOGS).await.unwrap(), found());
    let calls = received.lock().unwrap().clone();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(call.body, r#"{"Name":"a b","List":["x&y","z"]}"#);
    assert_eq!(call.headers["x-amz-target"], "Logs_20140328.GetThing");
    assert_eq!(call.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(call.headers["x-amz-security-token"], "session");
    assert_eq!(call.headers["amz-sdk-request"], "attempt=1; max=4");
    assert!(call.headers["user-agent"].contains("api/cloudwatchlogs/"), "{call:?}");
    assert!(call.headers.contains_key("amz-sdk-invocation-id"));
    let signature = &call.headers["authorization"];
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
    assert!(signature.contains("/eu-west-1/logs/aws4_request, SignedHeaders="), "{signature}");
    assert!(signature.contains("x-amz-target"), "{signature}");
}

#[tokio::test]
async fn cloudwatch_is_called_in_json_1_0() {
    let (url, received) = server(vec![answer(200, JSON)]).await;
    assert_eq!(send(&config(&url).build(), &CLOUDWATCH).await.unwrap(), found());
    let call = received.lock().unwrap()[0].clone();
    assert_eq!(call.headers["x-amz-target"], "GraniteServiceVersion20100801.GetThing");
    assert_eq!(call.headers["content-type"], "application/x-amz-json-1.0");
    assert!(call.headers["authorization"].contains("/eu-west-1/monitoring/aws4_request,"));
}

#[tokio::test]
async fn query_call_is_a_form_and_reads_xml() {
    let (url, received) = server(vec![answer(200, XML)]).await;
    assert_eq!(send(&config(&url).build(), &IAM).await.unwrap(), found());
    let call = received.lock().unwrap()[0].clone();
    let form = "Action=GetThing&Version=2010-05-08&Name=a%20b&List.member.1=x%26y&List.member.2=z";
    assert_eq!(call.body, form);
    assert_eq!(call.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(call.headers["content-length"], form.len().to_string());
    assert!(call.headers["authorization"].contains("/eu-west-1/iam/aws4_request,"));
}

#[tokio::test]
async fn input_that_is_no_form_is_an_error_before_anything_is_sent() {
    let (url, received) = server(vec![answer(200, XML)]).await;
    for input in [json!({ "Name": { "a": 1 } }), json!({ "List": [1] })] {
        let sent = call::<Found>(&config(&url).build(), Watch::limited(24), &IAM, "GetThing", &input).await;
        assert!(matches!(sent, Err(SdkError::ConstructionFailure(_))), "{sent:?}");
    }
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn server_errors_and_throttling_are_retried() {
    let json = [
        answer(500, ""),
        answer(400, r#"{"__type":"com.amazonaws.logs#ThrottlingException:http://x/","message":"Rate exceeded"}"#),
        answer(200, JSON),
    ];
    let xml = [
        answer(503, "<html>busy</html>"),
        answer(
            400,
            "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        ),
        answer(200, XML),
    ];
    for (service, answers) in [(&LOGS, json), (&IAM, xml)] {
        let (url, received) = server(answers.to_vec()).await;
        assert_eq!(send(&config(&url).build(), service).await.unwrap(), found());
        let attempts: Vec<_> =
            received.lock().unwrap().iter().map(|call| call.headers["amz-sdk-request"].clone()).collect();
        assert!(attempts.len() == 3 && attempts[2].ends_with("attempt=3; max=4"), "{attempts:?}");
    }
}

#[tokio::test]
async fn denial_is_not_retried_and_keeps_its_code_and_message() {
    let said = "User: u is not authorized to perform: iam:GetThing on resource: arn:x because <no policy>";
    let json = r#"{"__type":"AccessDeniedException","Message":"User: u is not authorized to perform: iam:GetThing on resource: arn:x because <no policy>"}"#;
    let xml = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <Error>\n    <Type>Sender</Type>\n    \
               <Code>AccessDenied</Code>\n    <Message>User: u is not authorized to perform: iam:GetThing on resource: \
               arn:x because &lt;no policy&gt;</Message>\n  </Error>\n  <RequestId>1</RequestId>\n</ErrorResponse>";
    for (service, code, status, body) in [(&LOGS, "AccessDeniedException", 400, json), (&IAM, "AccessDenied", 403, xml)]
    {
        let (url, received) = server(vec![answer(status, body)]).await;
        let error = send(&config(&url).build(), service).await.unwrap_err();
        let service_error = error.as_service_error().unwrap();
        assert_eq!((service_error.code(), service_error.message()), (Some(code), Some(said)));
        let failure = failure(&error, "cannot do it");
        assert_eq!(failure.help, "have an administrator allow iam:GetThing on arn:x");
        assert_eq!(received.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn code_in_a_header_comes_before_the_body() {
    let body = r#"{"__type":"com.amazonaws.cloudwatch#InvalidParameterValueException","message":"no"}"#;
    for (header, value, code) in [
        ("x-amzn-query-error", "InvalidParameterValue;Sender", "InvalidParameterValue"),
        ("x-amzn-errortype", "Other:http://internal.amazon.com/", "Other"),
        ("x-other", "1", "InvalidParameterValueException"),
    ] {
        let (url, _) = server(vec![Some((400, vec![(header, value.to_owned())], body))]).await;
        let error = send(&config(&url).build(), &CLOUDWATCH).await.unwrap_err();
        assert_eq!(error.as_service_error().unwrap().code(), Some(code), "{header}");
    }
}

#[tokio::test]
async fn unreadable_response_names_the_call_and_the_status() {
    for (service, body, why) in [
        (&LOGS, "<html>", "GetThing, HTTP 200: expected value at line 1 column 1"),
        (&LOGS, "{}", "GetThing, HTTP 200: missing field `name` at line 1 column 2"),
        (&IAM, "{}", "GetThing, HTTP 200: the response is not XML"),
        (&IAM, "<html/>", "GetThing, HTTP 200: there is no GetThingResult in the response"),
    ] {
        let (url, received) = server(vec![answer(200, body)]).await;
        let error = send(&config(&url).build(), service).await.unwrap_err();
        let failure = failure(&error, "cannot do it");
        assert_eq!(failure.message, format!("cannot do it: what AWS answered cannot be read: {why}"));
        assert_eq!(received.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn error_without_a_code_is_an_error_of_aws() {
    let (url, received) = server(vec![answer(502, "<html>")]).await;
    let error = send(&config(&url).build(), &LOGS).await.unwrap_err();
    assert_eq!(failure(&error, "cannot do it").message, "cannot do it: AWS answered without saying why: service error");
    assert_eq!(received.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn missing_answers_credentials_and_connections_are_told_apart() {
    let (url, _) = server(vec![None]).await;
    let few = RetryConfig::standard().with_max_attempts(1);
    let short = TimeoutConfig::builder().read_timeout(Duration::from_millis(20)).build();
    let late = config(&url).retry_config(few.clone()).timeout_config(short).build();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let unreachable = config(&format!("http://{closed}")).retry_config(few).build();
    #[derive(Debug)]
    struct Nobody;
    impl aws_credential_types::provider::ProvideCredentials for Nobody {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let none = aws_credential_types::provider::error::CredentialsError::not_loaded("none");
            aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
        }
    }
    let signed_out = config(&url).credentials_provider(SharedCredentialsProvider::new(Nobody)).build();
    for (config, start) in [
        (late, "cannot do it: AWS cannot be reached: "),
        (unreachable, "cannot do it: AWS cannot be reached: "),
        (signed_out, "cannot do it: there are no AWS credentials any more"),
    ] {
        let error = send(&config, &LOGS).await.unwrap_err();
        let failure = failure(&error, "cannot do it");
        assert!(failure.message.starts_with(start), "{failure:?}");
    }
}

#[tokio::test]
async fn wrong_clock_is_corrected_by_the_date_of_the_response() {
    let ahead = Timestamp::now().checked_add(2.hours()).unwrap();
    let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let refused = r#"{"__type":"InvalidSignatureException","message":"Signature expired"}"#;
    let (url, received) = server(vec![Some((400, vec![("date", date)], refused)), answer(200, JSON)]).await;
    assert_eq!(send(&config(&url).build(), &LOGS).await.unwrap(), found());
    let calls = received.lock().unwrap().clone();
    let hour = |call: &Received| call.headers["x-amz-date"][..11].to_owned();
    assert_eq!(calls.len(), 2);
    assert_eq!(hour(&calls[1]), ahead.strftime("%Y%m%dT%H").to_string());
    assert_ne!(hour(&calls[0]), hour(&calls[1]));
}

#[tokio::test]
async fn hosts_are_those_of_the_sdks() {
    for (region, fips, dual_stack, logs, iam) in [
        ("eu-west-1", false, false, "logs.eu-west-1.amazonaws.com", "iam.amazonaws.com us-east-1"),
        ("us-east-1", true, false, "logs-fips.us-east-1.amazonaws.com", "iam-fips.amazonaws.com us-east-1"),
        ("us-east-1", false, true, "logs.us-east-1.api.aws", "iam.global.api.aws us-east-1"),
        ("us-east-1", true, true, "logs-fips.us-east-1.api.aws", "iam-fips.global.api.aws us-east-1"),
        ("cn-north-1", false, false, "logs.cn-north-1.amazonaws.com.cn", "iam.cn-north-1.amazonaws.com.cn cn-north-1"),
        ("us-gov-east-1", false, false, "logs.us-gov-east-1.amazonaws.com", "iam.us-gov.amazonaws.com us-gov-west-1"),
        ("us-gov-west-1", true, false, "logs.us-gov-west-1.amazonaws.com", "iam.us-gov.amazonaws.com us-gov-west-1"),
        ("us-gov-west-1", false, true, "logs.us-gov-west-1.api.aws", "iam.us-gov.api.aws us-gov-west-1"),
        (
            "eusc-de-east-1",
            false,
            false,
            "logs.eusc-de-east-1.amazonaws.eu",
            "iam.eusc-de-east-1.amazonaws.eu eusc-de-east-1",
        ),
    ] {
        let config = SdkConfig::builder().region(Region::new(region)).use_fips(fips).use_dual_stack(dual_stack).build();
        let (host, signing) = iam.split_once(' ').unwrap();
        let endpoint = |host: &str, region: &str| Endpoint {
            url: format!("https://{host}"),
            signing_region: Some(Region::new(region.to_owned())),
        };
        assert_eq!(Endpoint::resolve(&config, &LOGS).await.unwrap(), endpoint(logs, region));
        let monitoring = logs.replacen("logs", "monitoring", 1);
        assert_eq!(Endpoint::resolve(&config, &CLOUDWATCH).await.unwrap(), endpoint(&monitoring, region));
        assert_eq!(Endpoint::resolve(&config, &IAM).await.unwrap(), endpoint(host, signing));
    }
    let isolated = SdkConfig::builder().region(Region::new("us-iso-east-1")).build();
    let error = Endpoint::resolve(&isolated, &IAM).await.unwrap_err().to_string();
    assert_eq!(error, "the endpoint of IAM for us-iso-east-1 is unknown; set AWS_ENDPOINT_URL_IAM");
    assert!(Endpoint::resolve(&SdkConfig::builder().build(), &LOGS).await.is_err());
}

/// A profile that sets an endpoint for IAM.
#[derive(Debug)]
struct OnlyIam;

impl LoadServiceConfig for OnlyIam {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let names = (key.service_id(), key.env(), key.profile());
        (names == ("IAM", "AWS_ENDPOINT_URL", "endpoint_url")).then(|| "http://iam.test".to_owned())
    }
}

#[tokio::test]
async fn endpoint_of_a_service_comes_before_the_one_of_all() {
    let url = |config: SdkConfig, service: &'static Service| async move {
        Endpoint::resolve(&config, service).await.unwrap().url
    };
    let both = config("http://all.test").service_config(OnlyIam).build();
    assert_eq!(url(both.clone(), &IAM).await, "http://iam.test");
    assert_eq!(url(both, &LOGS).await, "http://all.test");
    // What `--endpoint-url` says comes before both.
    let mut said = config("http://said.test");
    said.insert_origin("endpoint_url", aws_types::origin::Origin::shared_config());
    assert_eq!(url(said.service_config(OnlyIam).build(), &IAM).await, "http://said.test");
}
