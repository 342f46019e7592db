//! A function that does what its event says, for tests of the local cloud. It speaks the Runtime API itself.
//!
//! What to do stands under `do`: in the event itself, or in the query of a request, or in the body of each message of a
//! batch. Without, it answers the event, the headers that came with it, and its environment.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a function that fails ends, and its test sees that")]

use std::{collections::BTreeMap, thread, time::Duration};

use serde_json::{Value, json};

fn main() {
    let api = format!("http://{}/2018-06-01/runtime", std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap());
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let post = |path: &str, body: &str| {
        let answer = agent.post(format!("{api}/{path}")).send(body).unwrap();
        answer.status().as_u16()
    };
    match std::env::var("START").as_deref() {
        Ok("error") => {
            post("init/error", r#"{"errorType":"Probe.NotReady","errorMessage":"no start today"}"#);
            thread::sleep(Duration::from_secs(3600));
        }
        Ok("exit") => std::process::exit(7),
        _ => {}
    }
    loop {
        let mut next = agent.get(format!("{api}/invocation/next")).call().unwrap();
        let headers: BTreeMap<_, _> =
            next.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let id = headers["lambda-runtime-aws-request-id"].clone();
        let event: Value = serde_json::from_str(&next.body_mut().read_to_string().unwrap()).unwrap();
        println!("{event}");
        let query = event.pointer("/queryStringParameters/do");
        let what = event.get("do").or(query).and_then(Value::as_str).unwrap_or_default();
        match what {
            "fail" => {
                post(&format!("invocation/{id}/error"), r#"{"errorType":"Probe.Failed","errorMessage":"as asked"}"#);
            }
            "exit" => std::process::exit(3),
            // Answers once there is a file of this name.
            "until" => {
                until(event["file"].as_str().unwrap());
                post(&format!("invocation/{id}/response"), &json!({ "root": root() }).to_string());
            }
            "root" => {
                post(&format!("invocation/{id}/response"), &json!({ "root": root() }).to_string());
            }
            "hang" => thread::sleep(Duration::from_secs(3600)),
            "answer" => {
                let answer = event.get("answer").cloned().unwrap_or_else(|| asked(&event, "answer"));
                post(&format!("invocation/{id}/response"), &answer.to_string());
            }
            // Answers twice, and answers what it was not asked, and says how that went.
            "twice" => {
                let wrong = post("invocation/00000000-0000-0000-0000-000000000000/response", "{}");
                let first = post(&format!("invocation/{id}/response"), &json!({ "wrong_id": wrong }).to_string());
                let second = post(&format!("invocation/{id}/response"), "{}");
                println!("first {first}, second {second}");
            }
            // Publishes what it is asked to, signed and traced as AWS's SDKs do in Lambda.
            "publish" => {
                let key = std::env::var("AWS_ACCESS_KEY_ID").unwrap();
                let topic = event.pointer("/queryStringParameters/topic").and_then(Value::as_str).unwrap();
                let form = [("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", topic), ("Message", "{}")];
                let credential = format!("AWS4-HMAC-SHA256 Credential={key}/20261101/us-east-1/sns/aws4_request");
                let request = agent.post(std::env::var("AWS_ENDPOINT_URL").unwrap());
                let request = request.header("authorization", credential);
                request.header("x-amzn-trace-id", &headers["lambda-runtime-trace-id"]).send_form(form).unwrap();
                post(&format!("invocation/{id}/response"), "{}");
            }
            "large" => {
                post(&format!("invocation/{id}/response"), &json!("x".repeat(7 << 20)).to_string());
            }
            // A notification that asks for it fails.
            _ if event.pointer("/Records/0/Sns/Message").is_some_and(|message| message == "fail") => {
                post(&format!("invocation/{id}/error"), r#"{"errorType":"Probe.Failed","errorMessage":"as asked"}"#);
            }
            _ if event.get("Records").is_some() => {
                wait_for_file(&event);
                post(&format!("invocation/{id}/response"), &batch(&event));
            }
            _ => {
                let variables: BTreeMap<_, _> = std::env::vars().collect();
                let body =
                    json!({ "event": event, "headers": headers, "variables": variables, "pid": std::process::id() });
                post(&format!("invocation/{id}/response"), &body.to_string());
            }
        }
    }
}

/// Waits where the first message of a batch asks for a file: until there is one of that name.
fn wait_for_file(event: &Value) {
    let body = event.pointer("/Records/0/body").and_then(Value::as_str).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(file) = body.get("file").and_then(Value::as_str) {
        until(file);
    }
}

/// Waits until there is a file of this name.
fn until(file: &str) {
    while !std::path::Path::new(file).exists() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The folder that the function's binary lies in.
fn root() -> String {
    std::env::var("LAMBDA_TASK_ROOT").unwrap()
}

/// A parameter of a request's query, as JSON.
fn asked(event: &Value, name: &str) -> Value {
    let text = event.pointer(&format!("/queryStringParameters/{name}")).and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap()
}

/// What is answered to a batch: the text that a message's body has under `answer`, or the ids of those whose body has `fail`.
fn batch(event: &Value) -> String {
    let bodies = || {
        let records = event["Records"].as_array().unwrap().iter();
        records.map(|record| {
            let body: Value = serde_json::from_str(record["body"].as_str().unwrap_or_default()).unwrap_or_default();
            (record["messageId"].clone(), body)
        })
    };
    if let Some(answer) = bodies().find_map(|(_, body)| Some(body.get("answer")?.as_str()?.to_owned())) {
        return answer;
    }
    let failed = bodies().filter(|(_, body)| body.get("fail").is_some());
    let failed: Vec<_> = failed.map(|(id, _)| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failed }).to_string()
}
