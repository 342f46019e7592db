//! How an HTTP API answers and what functions get of requests, where emulators differ from AWS.
//!
//! Sources: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use serde_json::{Value, json};

use crate::cloud::{Answer, Cloud, call};

/// An API with these routes, all of one function that answers its event.
fn api(routes: &[&str], further: &str) -> String {
    let routes: String = routes
        .iter()
        .enumerate()
        .map(|(at, key)| {
            format!(
                "  R{at}: {{Type: 'AWS::ApiGatewayV2::Route', Properties: {{ApiId: !Ref A, RouteKey: '{key}', Target: !Sub \
                 'integrations/${{I}}'}}}}\n"
            )
        })
        .collect();
    format!(
        "Resources:\n  F: {{Type: 'AWS::Lambda::Function', Metadata: {{Binary: probe}}, Properties: {{FunctionName: f, \
         Timeout: 30}}}}\n  A: {{Type: 'AWS::ApiGatewayV2::Api', Properties: {{Name: a, ProtocolType: HTTP{further}}}}}\n  \
         I: {{Type: 'AWS::ApiGatewayV2::Integration', Properties: {{ApiId: !Ref A, IntegrationType: AWS_PROXY, \
         IntegrationUri: !GetAtt F.Arn, PayloadFormatVersion: '2.0'}}}}\n  S: {{Type: 'AWS::ApiGatewayV2::Stage', \
         Properties: {{ApiId: !Ref A, StageName: $default}}}}\n{routes}"
    )
}

async fn start(routes: &[&str]) -> Cloud {
    Cloud::start(&api(routes, "")).await
}

/// What the function got.
async fn event(cloud: &Cloud, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Value {
    let answer = call(method, &format!("{}{path}", cloud.api), headers, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["event"].clone()
}

async fn answered(cloud: &Cloud, answer: &Value) -> Answer {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("do", "answer")
        .append_pair("answer", &answer.to_string())
        .finish();
    call("GET", &format!("{}/x?{query}", cloud.api), &[], "").await
}

fn is_the_error_of_an_api(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (500, r#"{"message":"Internal Server Error"}"#));
    assert_eq!(answer.header("content-type"), ["application/json"]);
    assert_eq!(answer.header("apigw-requestid").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_in_a_function_is_one_error_without_its_words_and_the_next_request_works() {
    let wrong = async |cloud: Cloud, ways: &[&str]| {
        for what in ways {
            is_the_error_of_an_api(&call("GET", &format!("{}/x?do={what}", cloud.api), &[], "").await);
            assert_eq!(call("GET", &format!("{}/x", cloud.api), &[], "").await.status, 200, "after {what}");
        }
        cloud.running.stop().await;
    };
    wrong(start(&["$default"]).await, &["fail", "exit", "large"]).await;
    // Long enough for the request after it on a busy machine.
    let short = api(&["$default"], "").replace("Timeout: 30", "Timeout: 5");
    wrong(Cloud::start(&short).await, &["hang"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_status_is_the_body() {
    let cloud = start(&["$default"]).await;
    for (answer, body) in [
        (json!("plain"), "plain".to_owned()),
        (json!({ "a": [1] }), r#"{"a":[1]}"#.to_owned()),
        (json!(7), "7".to_owned()),
    ] {
        let answer = answered(&cloud, &answer).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, vec!["application/json"]));
        assert_eq!(answer.body, body);
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_status_headers_cookies_and_bytes_and_needs_none_of_them() {
    let cloud = start(&["$default"]).await;
    let bare = answered(&cloud, &json!({ "statusCode": 200, "headers": { "X-Own": "1" }, "body": "b" })).await;
    assert_eq!((bare.status, bare.body.as_str(), bare.header("x-own")), (200, "b", vec!["1"]));
    let full = json!({
        "statusCode": "201", "cookies": ["a=1; Secure", "b=2"], "body": "aGk=", "isBase64Encoded": true,
        "headers": { "content-type": "text/plain" },
    });
    let full = answered(&cloud, &full).await;
    assert_eq!((full.status, full.body.as_str()), (201, "hi"));
    assert_eq!(full.header("set-cookie"), ["a=1; Secure", "b=2"]);
    assert_eq!(full.header("content-type"), ["text/plain"]);
    is_the_error_of_an_api(&answered(&cloud, &json!({ "statusCode": "no number" })).await);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_parameters_are_joined_cookies_are_apart_and_what_is_empty_is_absent() {
    let cloud = start(&["GET /items/{id}", "POST /bare"]).await;
    let headers = [("X-Multi", "a"), ("x-multi", "b"), ("Cookie", "c=1; d=2")];
    let event = event(&cloud, "GET", "/items/a%20b?q=1&q=2&e=&p=%26", &headers, "").await;
    assert_eq!(event["headers"]["x-multi"], "a,b");
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["queryStringParameters"], json!({ "q": "1,2", "e": "", "p": "&" }));
    assert_eq!(event["rawQueryString"], "q=1&q=2&e=&p=%26");
    assert_eq!((&event["routeKey"], &event["pathParameters"]["id"]), (&json!("GET /items/{id}"), &json!("a b")));
    assert_eq!((&event["rawPath"], &event["version"]), (&json!("/items/a b"), &json!("2.0")));
    assert_eq!((event.get("body"), &event["isBase64Encoded"]), (None, &json!(false)));
    let context = &event["requestContext"];
    assert_eq!((&context["accountId"], &context["stage"]), (&json!("123456789012"), &json!("$default")));
    assert!(context["apiId"].is_string() && context["http"]["sourceIp"] == "127.0.0.1", "{context}");
    assert_eq!((&context["http"]["method"], &context["http"]["path"]), (&json!("GET"), &json!("/items/a b")));
    let epoch = context["timeEpoch"].as_u64().unwrap();
    assert!((1_600_000_000_000..10_000_000_000_000).contains(&epoch), "milliseconds: {epoch}");
    let time = context["time"].as_str().unwrap();
    assert!(time.ends_with(" +0000") && time.as_bytes()[2] == b'/' && time.as_bytes()[11] == b':', "{time}");

    let bare = self::event(&cloud, "POST", "/bare", &[], "").await;
    for absent in ["cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"] {
        assert_eq!(bare.get(absent), None, "{absent}");
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_as_text_and_everything_else_as_base64() {
    let cloud = start(&["$default"]).await;
    for (kind, body, text, is_base64) in [
        ("application/json", &b"{}"[..], "{}", false),
        ("text/plain; charset=utf-8", b"\xc3\xa4", "\u{e4}", false),
        ("application/octet-stream", b"\xff\x00", "/wA=", true),
        ("application/x-www-form-urlencoded", b"a=1&b=2", "YT0xJmI9Mg==", true),
    ] {
        let event = event(&cloud, "POST", "/x", &[("content-type", kind)], body).await;
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(text), &json!(is_base64)), "{kind}");
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_route_is_taken() {
    let keys = ["ANY /pets/dog", "GET /pets/dog", "GET /pets/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}"];
    let cloud = start(&[&keys[..], &["$default"]].concat()).await;
    for (method, path, key) in [
        ("GET", "/pets/dog", "GET /pets/dog"),
        ("POST", "/pets/dog", "ANY /pets/dog"),
        ("GET", "/pets/cat", "GET /pets/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("PUT", "/other", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ] {
        assert_eq!(event(&cloud, method, path, &[], "").await["routeKey"], key, "{method} {path}");
    }
    let greedy = event(&cloud, "GET", "/pets/cat/1", &[], "").await;
    assert_eq!(greedy["pathParameters"], json!({ "proxy": "cat/1" }));
    cloud.running.stop().await;
    let cloud = start(&["GET /a"]).await;
    let nothing = call("GET", &format!("{}/b", cloud.api), &[], "").await;
    assert_eq!((nothing.status, nothing.body.as_str()), (404, r#"{"message":"Not Found"}"#));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_at_the_very_byte() {
    let cloud = start(&["$default"]).await;
    // The event has the body in base64 unless it is text, and has to fit into six megabytes.
    let fits = call("POST", &format!("{}/x", cloud.api), &[("content-type", "text/plain")], "x".repeat(5 << 20)).await;
    assert_eq!(fits.status, 200);
    let event = call("POST", &format!("{}/x?do=fail", cloud.api), &[], vec![b'x'; 6 << 20]).await;
    assert_eq!((event.status, event.body.as_str()), (413, r#"{"message":"Request Entity Too Large"}"#));
    let body = call("POST", &format!("{}/x", cloud.api), &[], vec![b'x'; (10 << 20) + 1]).await;
    assert_eq!((body.status, body.body.as_str()), (413, r#"{"message":"Request Entity Too Large"}"#));
    let head = "x".repeat(10_240);
    let head = call("GET", &format!("{}/x", cloud.api), &[("x-long", head.as_str())], "").await;
    assert_eq!(head.status, 431, "{}", head.body);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_question_is_answered_without_the_function_whose_own_headers_are_dropped() {
    let cors = ", CorsConfiguration: {AllowOrigins: ['https://shop.example.com'], AllowMethods: [GET], MaxAge: 60}";
    let cloud = Cloud::start(&api(&["GET /x"], cors)).await;
    let asks = [("origin", "https://shop.example.com"), ("access-control-request-method", "GET")];
    let answer = call("OPTIONS", &format!("{}/x", cloud.api), &asks, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), ["https://shop.example.com"]);
    assert_eq!(answer.header("access-control-max-age"), ["60"]);
    let own = json!({ "statusCode": 200, "headers": { "access-control-allow-origin": "*" } });
    assert_eq!(answered(&cloud, &own).await.header("access-control-allow-origin").len(), 0);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn format_1_hands_over_all_values_and_takes_cookies_and_bytes_and_no_answer_without_a_status() {
    let template = api(&["ANY /{proxy+}"], "").replace("PayloadFormatVersion: '2.0'", "PayloadFormatVersion: '1.0'");
    let cloud = Cloud::start(&template).await;
    let headers = [("X-Multi", "a"), ("x-multi", "b"), ("Cookie", "c=1"), ("content-type", "application/octet-stream")];
    let url = format!("{}/items/a%20b?q=1&q=2&do=answer&answer=", cloud.api);
    let all =
        r#"{"statusCode":201,"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"aGk=","isBase64Encoded":true}"#;
    let query: String = url::form_urlencoded::byte_serialize(all.as_bytes()).collect();
    let answer = call("POST", &format!("{url}{query}"), &headers, vec![0xff]).await;
    assert_eq!((answer.status, answer.body.as_str()), (201, "hi"));
    assert_eq!(answer.header("set-cookie"), ["a=1", "b=2"]);
    is_the_error_of_an_api(&answered(&cloud, &json!({ "body": "no status" })).await);
    // The function's own words have no status: its log has the event.
    let log = cloud.log("/aws/lambda/f").await;
    let event: Value = serde_json::from_str(&log[0]).unwrap();
    assert_eq!((&event["version"], &event["httpMethod"]), (&json!("1.0"), &json!("POST")));
    assert_eq!((&event["resource"], &event["path"]), (&json!("/{proxy+}"), &json!("/items/a b")));
    assert_eq!(event["pathParameters"], json!({ "proxy": "items/a b" }));
    assert_eq!(
        (&event["headers"]["x-multi"], &event["multiValueHeaders"]["x-multi"]),
        (&json!("b"), &json!(["a", "b"]))
    );
    assert_eq!(event["multiValueQueryStringParameters"]["q"], json!(["1", "2"]));
    assert_eq!((&event["headers"]["cookie"], event.get("cookies")), (&json!("c=1"), None));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    let context = &event["requestContext"];
    assert_eq!((&context["stage"], &context["resourcePath"]), (&json!("$default"), &json!("/{proxy+}")));
    assert_eq!((&context["identity"]["sourceIp"], &context["protocol"]), (&json!("127.0.0.1"), &json!("HTTP/1.1")));
    cloud.running.stop().await;
}

/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_beyond_the_stages_limit_or_a_routes_own_is_refused_until_the_bucket_fills() {
    let limits = "StageName: $default, DefaultRouteSettings: {ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 1}, \
                  RouteSettings: {'GET /own': {ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2}}";
    let template = api(&["GET /own", "$default"], "").replace("StageName: $default", limits);
    let cloud = Cloud::start(&template).await;
    let statuses = async |path: &str| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = call("GET", &format!("{}{path}", cloud.api), &[], "").await;
            assert!(answer.status == 200 || answer.body == r#"{"message":"Too Many Requests"}"#, "{}", answer.body);
            statuses.push(answer.status);
        }
        statuses
    };
    assert_eq!(statuses("/own").await, [200, 200, 429]);
    assert_eq!(statuses("/x").await, [200, 429, 429]);
    cloud.clock.advance(std::time::Duration::from_secs(1000)).unwrap();
    assert_eq!(statuses("/x").await, [200, 429, 429]);
    cloud.running.stop().await;
    let unknown = template.replace("'GET /own':", "'GET /other':");
    let refused = Cloud::try_start(&unknown, None).await.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|why| why.contains("\"GET /other\", which is no route")));
}

/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html>
#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_stage_stands_before_every_path() {
    let template =
        api(&["GET /items/{id}"], "").replace("StageName: $default", "StageName: prod, StageVariables: {table: t}");
    let cloud = Cloud::start(&template).await;
    let event = event(&cloud, "GET", "/prod/items/1", &[], "").await;
    assert_eq!((&event["rawPath"], &event["requestContext"]["stage"]), (&json!("/prod/items/1"), &json!("prod")));
    assert_eq!((&event["routeKey"], &event["pathParameters"]["id"]), (&json!("GET /items/{id}"), &json!("1")));
    assert_eq!(event["stageVariables"], json!({ "table": "t" }));
    let outside = call("GET", &format!("{}/items/1", cloud.api), &[], "").await;
    assert_eq!((outside.status, outside.body.as_str()), (404, r#"{"message":"Not Found"}"#));
    cloud.running.stop().await;
}
