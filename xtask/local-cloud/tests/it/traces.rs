//! Journeys as a collector of OpenTelemetry's gets them, and X-Ray's header on its way.
//!
//! Sources: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>, <https://www.w3.org/TR/trace-context/>,
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html>,
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sns.html>

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::cloud::{Cloud, call};

const TEMPLATE: &str = "
Resources:
  F: {Type: 'AWS::Lambda::Function', Metadata: {Binary: probe}, Properties: {FunctionName: f}}
  G: {Type: 'AWS::Lambda::Function', Metadata: {Binary: probe}, Properties: {FunctionName: g}}
  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: t}}
  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}
  S:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref T, Protocol: sqs, Endpoint: !GetAtt Q.Arn, RawMessageDelivery: true}
  E: {Type: 'AWS::Lambda::EventSourceMapping', Properties: {EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref G}}
  A: {Type: 'AWS::ApiGatewayV2::Api', Properties: {Name: a, ProtocolType: HTTP}}
  I:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref A
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt F.Arn
      PayloadFormatVersion: '2.0'
  R:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref A, RouteKey: 'GET /do/{what}', Target: !Sub 'integrations/${I}'}
";

/// A collector that has no time at first.
async fn collector() -> (String, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (take, taken) = mpsc::unbounded_channel();
    let ready = Arc::new(AtomicBool::new(false));
    let answer = move |Json(document): Json<Value>| async move {
        if !ready.swap(true, Ordering::Relaxed) {
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
        }
        take.send(document).unwrap();
        (StatusCode::OK, Json(json!({})))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", post(answer))).await });
    (address, taken)
}

/// All spans until there are so many, by what they are called; each with its attributes and its resource's as a map.
async fn spans(taken: &mut mpsc::UnboundedReceiver<Value>, count: usize) -> BTreeMap<String, Value> {
    let mut spans = BTreeMap::new();
    while spans.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(120), taken.recv()).await;
        let document = next.expect("no spans").unwrap();
        for resource in document["resourceSpans"].as_array().unwrap() {
            let around = attributes(&resource["resource"]["attributes"]);
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                let mut span = span.clone();
                span["attributes"] = attributes(&span["attributes"]);
                span["resource"] = around.clone();
                spans.insert(span["name"].as_str().unwrap().to_owned(), span);
            }
        }
    }
    spans
}

fn attributes(list: &Value) -> Value {
    let value = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
    let pairs = list.as_array().unwrap().iter();
    Value::Object(pairs.map(|each| (each["key"].as_str().unwrap().to_owned(), value(&each["value"]))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_is_one_trace_from_the_callers_span_to_the_last_function() {
    let (address, mut taken) = collector().await;
    let cloud = Cloud::start_traced(TEMPLATE, &address).await;
    let (trace, caller) = ("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8");
    let header = format!("00-{trace}-{caller}-01");
    let url = format!("{}/do/it?do=publish&topic=arn:aws:sns:us-east-1:123456789012:t", cloud.api);
    let answer = call("GET", &url, &[("traceparent", header.as_str())], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let spans = spans(&mut taken, 5).await;
    let mut parent = caller;
    for (name, kind, expected) in [
        (
            "GET /do/{what}",
            2,
            json!({ "http.request.method": "GET", "http.response.status_code": "200", "url.path": "/do/it" }),
        ),
        ("f", 2, json!({ "faas.trigger": "http" })),
        ("publish t", 4, json!({ "messaging.system": "aws.sns", "messaging.destination.name": "t" })),
        ("send q", 4, json!({ "messaging.system": "aws_sqs", "messaging.operation.type": "send" })),
        ("g", 5, json!({ "faas.trigger": "pubsub", "messaging.destination.name": "q" })),
    ] {
        let span = spans.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", spans.keys()));
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&json!(trace), &json!(parent)), "{name}");
        assert_eq!((&span["kind"], &span["status"]), (&json!(kind), &json!({})), "{name}");
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&span["attributes"][key], value, "{name}");
        }
        let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{name}");
        parent = span["spanId"].as_str().unwrap();
    }
    assert_eq!(
        (&spans["f"]["resource"]["faas.name"], &spans["f"]["resource"]["cloud.platform"]),
        (&json!("f"), &json!("aws_lambda"))
    );
    // What the first function's call said was passed on to the second, as it was.
    let event: Value = serde_json::from_str(&cloud.log("/aws/lambda/g").await[0]).unwrap();
    let span = spans["f"]["spanId"].as_str().unwrap();
    let root = format!("Root=1-{}-{}", &trace[..8], &trace[8..]);
    assert_eq!(event["Records"][0]["attributes"]["AWSTraceHeader"], format!("{root};Parent={span};Sampled=1"));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x_rays_header_goes_to_the_function_and_what_fails_is_an_error_in_a_trace_of_its_own() {
    let (address, mut taken) = collector().await;
    let cloud = Cloud::start_traced(TEMPLATE, &address).await;
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let got = call("GET", &format!("{}/do/it", cloud.api), &[("x-amzn-trace-id", root)], "").await.json();
    let told = got["headers"]["lambda-runtime-trace-id"].as_str().unwrap().to_owned();
    assert!(told.starts_with(&format!("{root};Parent=")) && told.ends_with(";Sampled=0"), "{told}");
    assert_eq!(got["event"]["headers"]["x-amzn-trace-id"], root);
    let first = spans(&mut taken, 2).await;
    assert_eq!(first["GET /do/{what}"].get("parentSpanId"), None);
    assert!(told.contains(first["f"]["spanId"].as_str().unwrap()), "{told}");

    call("GET", &format!("{}/do/it?do=fail", cloud.api), &[], "").await;
    let second = spans(&mut taken, 2).await;
    assert_eq!(second["f"]["status"], json!({ "code": 2, "message": "Probe.Failed" }));
    assert_eq!(second["GET /do/{what}"]["status"]["code"], 2);
    assert_eq!(second["f"]["traceId"], second["GET /do/{what}"]["traceId"]);
    assert_ne!(second["f"]["traceId"], first["f"]["traceId"]);
    cloud.running.stop().await;
}
