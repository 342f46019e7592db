//! Lambda's traps: the Runtime API, execution environments, and what functions find in theirs.
//!
//! Sources: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local_cloud::activity::What;
use serde_json::{Value, json};

use crate::cloud::{Answer, Cloud};

fn function(properties: &str) -> String {
    format!(
        "Resources: {{F: {{Type: 'AWS::Lambda::Function', Metadata: {{Binary: probe}}, Properties: {{FunctionName: f\
         {properties}}}}}}}"
    )
}

async fn invoke(cloud: &Cloud, event: &Value) -> Answer {
    cloud.invoke("f", "RequestResponse", event).await
}

fn error(answer: &Answer) -> (u16, bool, String) {
    let kind = answer.json()["errorType"].as_str().unwrap_or_default().to_owned();
    (answer.status, answer.header("x-amz-function-error") == ["Unhandled"], kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_with_its_id_its_true_deadline_and_the_functions_arn() {
    let cloud = Cloud::start(&function(", Timeout: 9")).await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let answer = invoke(&cloud, &json!({})).await;
    let headers = answer.json()["headers"].clone();
    let deadline: u64 = headers["lambda-runtime-deadline-ms"].as_str().unwrap().parse().unwrap();
    let left = Duration::from_millis(deadline).checked_sub(before).unwrap();
    assert!((Duration::from_secs(8)..Duration::from_secs(60)).contains(&left), "{left:?}");
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    assert_eq!(headers["lambda-runtime-invoked-function-arn"], arn);
    assert_eq!(answer.header("x-amzn-requestid"), [headers["lambda-runtime-aws-request-id"].as_str().unwrap()]);
    assert!(headers["lambda-runtime-trace-id"].as_str().unwrap().starts_with("Root=1-"), "{headers}");
    assert_eq!(answer.header("x-amz-executed-version"), ["$LATEST"]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_finds_what_lambda_promises_and_nothing_of_this_machine() {
    let cloud = Cloud::start(&function(", MemorySize: 512, Environment: {Variables: {OWN: '1'}}")).await;
    let variables = invoke(&cloud, &json!({})).await.json()["variables"].clone();
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_ENDPOINT_URL", &cloud.aws),
        ("TZ", ":UTC"),
        ("OWN", "1"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    for name in ["AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT", "_HANDLER", "AWS_ACCESS_KEY_ID"] {
        assert!(variables[name].is_string(), "{name}");
    }
    let endpoint = variables["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
    assert!(endpoint.starts_with("127.0.0.1:") && !endpoint.contains('/'), "host and port alone: {endpoint}");
    for name in ["AWS_LAMBDA_MAX_CONCURRENCY", "CARGO_MANIFEST_DIR", "HOME"] {
        assert_eq!(variables.get(name), None, "{name}");
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_twice_or_to_another_is_refused() {
    let cloud = Cloud::start(&function("")).await;
    let mut happened = cloud.activity.listen();
    assert_eq!(invoke(&cloud, &json!({ "do": "twice" })).await.json(), json!({ "wrong_id": 400 }));
    let said = |what: &What| matches!(what, What::Logged { line, .. } if line == "first 202, second 400");
    Cloud::happens(&mut happened, said).await;
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_crashed_is_replaced_and_one_that_failed_is_kept() {
    let cloud = Cloud::start(&function(", Timeout: 60")).await;
    let pid = || async { invoke(&cloud, &json!({})).await.json()["pid"].clone() };
    let first = pid().await;
    assert_eq!(error(&invoke(&cloud, &json!({ "do": "fail" })).await), (200, true, "Probe.Failed".to_owned()));
    assert_eq!(pid().await, first);
    assert_eq!(error(&invoke(&cloud, &json!({ "do": "exit" })).await), (200, true, "Runtime.ExitError".to_owned()));
    assert_ne!(pid().await, first);
    let too_large = invoke(&cloud, &json!({ "do": "large" })).await;
    assert_eq!(error(&too_large), (200, true, "Function.ResponseSizeTooLarge".to_owned()));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_was_late_is_replaced() {
    let cloud = Cloud::start(&function(", Timeout: 1")).await;
    let mut happened = cloud.activity.listen();
    let late = invoke(&cloud, &json!({ "do": "hang" })).await;
    assert_eq!(error(&late), (200, true, "Sandbox.Timedout".to_owned()));
    let message = late.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    // Whether the next call is in time is not looked at: a second may be too short on a busy machine.
    invoke(&cloud, &json!({})).await;
    for _ in 0..2 {
        Cloud::happens(&mut happened, |what| matches!(what, What::Started { .. })).await;
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_start_says_why() {
    let start = |how: &str| function(&format!(", Environment: {{Variables: {{START: {how}}}}}"));
    let cloud = Cloud::start(&start("error")).await;
    assert_eq!(error(&invoke(&cloud, &json!({})).await), (200, true, "Probe.NotReady".to_owned()));
    cloud.running.stop().await;
    let cloud = Cloud::start(&start("exit")).await;
    assert_eq!(error(&invoke(&cloud, &json!({})).await), (200, true, "Runtime.ExitError".to_owned()));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_concurrency_throttles_and_the_api_says_so() {
    let cloud = Cloud::start(&function(", ReservedConcurrentExecutions: 1, Timeout: 900")).await;
    let mut happened = cloud.activity.listen();
    let event = json!({ "do": "hang" });
    let busy = invoke(&cloud, &event);
    let other = async {
        let began = |what: &What| matches!(what, What::Logged { line, .. } if line.contains("hang"));
        Cloud::happens(&mut happened, began).await;
        invoke(&cloud, &json!({})).await
    };
    let throttled = tokio::select! {
        _ = busy => panic!("what hangs answered"),
        throttled = other => throttled,
    };
    assert_eq!(throttled.status, 429);
    assert_eq!(throttled.header("x-amzn-errortype"), ["TooManyRequestsException"]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invoke_answers_by_its_kind() {
    let cloud = Cloud::start(&function("")).await;
    assert_eq!(cloud.invoke("f", "DryRun", &json!({})).await.status, 204);
    assert_eq!(cloud.invoke("f", "Event", &json!({})).await.status, 202);
    assert_eq!(cloud.invoke("none", "RequestResponse", &json!({})).await.status, 404);
    assert_eq!(cloud.invoke("f", "Sometimes", &json!({})).await.status, 400);
    cloud.running.stop().await;
}
