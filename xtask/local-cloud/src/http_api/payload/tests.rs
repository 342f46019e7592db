use std::time::Instant;

use axum::http::HeaderMap;
use serde_json::json;

use super::*;
use crate::record::Trace;

fn of(format: PayloadFormat, request: request::Builder, body: &[u8]) -> Value {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let account =
        Account { id: "0".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://127.0.0.1:1".to_owned() };
    let route = RouteKey::parse("ANY /items/{proxy+}").unwrap();
    let known = Known {
        id: "id=".to_owned(),
        route_key: route.to_string(),
        source_ip: "127.0.0.1".to_owned(),
        since: Instant::now(),
        number: 1,
        trace: Trace::default(),
        came: None,
    };
    let (id, stage) = ("api".to_owned(), "$default".to_owned());
    let stage_variables = BTreeMap::new();
    let api = HttpApi { id, stage, stage_variables, routes: Vec::new(), cors: None, throttle: None, access_log: None };
    let path = decoded_path(parts.uri.path());
    let parameters = &BTreeMap::from([("proxy".to_owned(), "a".to_owned())]);
    let (account, known, route, parts, path) = (&account, &known, &route, &parts, path.as_str());
    let event = format.event(&Parts { api: &api, account, known, route, parts, path, parameters, body }).unwrap();
    serde_json::from_slice(&event).unwrap()
}

fn request() -> request::Builder {
    request::Request::post("/items/a%20b%2Fc?x=1&x=2&y=%26")
        .header("X-Multi", "a")
        .header("x-multi", "b")
        .header("Cookie", "c=1; d=2")
        .header("Host", "h:80")
}

#[test]
fn repeated_values_are_joined_cookies_apart_and_what_is_empty_absent() {
    let event = of(PayloadFormat::Version2, request(), b"");
    assert_eq!(event["headers"]["x-multi"], "a,b");
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "&"}));
    assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/items/a b/c"), &json!("x=1&x=2&y=%26")));
    assert!(event.get("body").is_none() && event["headers"].get("cookie").is_none());
    let bare = of(PayloadFormat::Version2, request::Request::get("/"), b"");
    assert!(bare.get("cookies").is_none() && bare.get("queryStringParameters").is_none());
    assert!(bare["requestContext"]["timeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
}

#[test]
fn format_1_has_the_last_value_and_all_of_them_and_null_for_what_is_empty() {
    let event = of(PayloadFormat::Version1, request(), b"");
    assert_eq!(
        (&event["headers"]["x-multi"], &event["multiValueHeaders"]["x-multi"]),
        (&json!("b"), &json!(["a", "b"]))
    );
    assert_eq!(event["headers"]["cookie"], "c=1; d=2");
    assert_eq!(event["queryStringParameters"], json!({"x": "2", "y": "&"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"x": ["1", "2"], "y": ["&"]}));
    assert_eq!((&event["resource"], &event["path"]), (&json!("/items/{proxy+}"), &json!("/items/a b/c")));
    assert_eq!((&event["body"], &event["stageVariables"]), (&Value::Null, &Value::Null));
    let bare = of(PayloadFormat::Version1, request::Request::get("/"), b"");
    assert_eq!(
        (&bare["queryStringParameters"], &bare["multiValueQueryStringParameters"]),
        (&Value::Null, &Value::Null)
    );
    assert!(bare["requestContext"]["requestTimeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
}

#[test]
fn text_stays_text_and_bytes_become_base64() {
    for format in [PayloadFormat::Version1, PayloadFormat::Version2] {
        let body = |kind: &str, bytes: &[u8]| {
            let event = of(format, request::Request::post("/").header("Content-Type", kind), bytes);
            (event["body"].as_str().unwrap().to_owned(), event["isBase64Encoded"] == true)
        };
        assert_eq!(body("application/json; charset=utf-8", "é".as_bytes()), ("é".to_owned(), false));
        assert_eq!(body("application/json", &[0xff]), ("/w==".to_owned(), true));
        assert_eq!(body("application/octet-stream", b"a"), ("YQ==".to_owned(), true));
        assert_eq!(body("application/x-www-form-urlencoded", b"a=1"), ("YT0x".to_owned(), true));
    }
}

#[test]
fn answers_become_responses_as_api_gateway_reads_them() {
    let of = |answer: &str| {
        let status = |format: PayloadFormat| format.response(answer.as_bytes()).map(|it| it.status().as_u16());
        (status(PayloadFormat::Version1), status(PayloadFormat::Version2))
    };
    for fine in ["{\"statusCode\":200}", "{\"statusCode\":\"200\",\"body\":\"x\"}"] {
        assert_eq!(of(fine), (Some(200), Some(200)), "{fine}");
    }
    for inferred in ["\"text\"", "{\"a\":1}", "", "null"] {
        assert_eq!(of(inferred), (None, Some(200)), "{inferred}");
    }
    for wrong in [
        "no json",
        "{\"statusCode\":1}",
        "{\"statusCode\":200,\"body\":{}}",
        "{\"statusCode\":200,\"headers\":{\"a b\":\"c\"}}",
    ] {
        assert_eq!(of(wrong), (None, None), "{wrong}");
    }
}

#[test]
fn cookies_are_headers_of_their_own_in_both_formats() {
    let headers = |format: PayloadFormat, answer: &str| format.response(answer.as_bytes()).unwrap().headers().clone();
    let all = |headers: &HeaderMap, name: &str| {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let second = r#"{"statusCode":201,"cookies":["a=1","b=2"],"body":"AP8=","isBase64Encoded":true}"#;
    assert_eq!(all(&headers(PayloadFormat::Version2, second), "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(all(&headers(PayloadFormat::Version1, second), "set-cookie"), Vec::<String>::new());
    let first = r#"{"statusCode":201,"headers":{"Set-Cookie":"b=2","X-Own":"1"},
        "multiValueHeaders":{"set-cookie":["a=1","b=2"]}}"#;
    let first = headers(PayloadFormat::Version1, first);
    assert_eq!((all(&first, "set-cookie"), all(&first, "x-own")), (vec!["a=1".into(), "b=2".into()], vec!["1".into()]));
}

#[test]
fn times_are_written_as_access_logs_write_them() {
    for seconds in [0, 951_782_399, 1_709_164_800, 1_798_761_599, 4_102_444_800] {
        let at = Timestamp::from_second(seconds).unwrap();
        assert_eq!(log_time(at), at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
    }
}
