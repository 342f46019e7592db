//! `--state`: what outlives the process, and what is written without it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::cloud::{Cloud, call};

const QUEUES: &str = "
Resources:
  Source: {Type: 'AWS::SQS::Queue', Properties: {QueueName: source}}
  Fifo: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q.fifo, FifoQueue: true}}
  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: t}}
";

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{name}-{}", std::process::id()));
    let _old = fs::remove_dir_all(&folder);
    folder
}

async fn start(folder: &Path) -> Cloud {
    Cloud::start_at(QUEUES, Some(folder.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_queues_topics_and_the_clock_are_there_again() {
    let folder = folder("again");
    let cloud = start(&folder).await;
    let (source, fifo) = (cloud.queue("source"), cloud.queue("q.fifo"));
    let attributes = json!({ "n": { "DataType": "Binary", "BinaryValue": "/wA=" } });
    for body in ["kept", "deleted", "hidden", "delayed"] {
        let delay = if body == "delayed" { 900 } else { 0 };
        let message =
            json!({ "QueueUrl": source, "MessageBody": body, "MessageAttributes": attributes, "DelaySeconds": delay });
        cloud.sqs("SendMessage", message).await;
    }
    let received = cloud.sqs("ReceiveMessage", json!({ "QueueUrl": source, "MaxNumberOfMessages": 10 })).await;
    for message in received["Messages"].as_array().unwrap() {
        let handle = json!({ "QueueUrl": source, "ReceiptHandle": message["ReceiptHandle"] });
        match message["Body"].as_str().unwrap() {
            "deleted" => cloud.sqs("DeleteMessage", handle).await,
            "kept" => {
                let handle =
                    json!({ "QueueUrl": source, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0 });
                cloud.sqs("ChangeMessageVisibility", handle).await
            }
            _ => Value::Null,
        };
    }
    let in_order =
        |id: &str| json!({ "QueueUrl": fifo, "MessageBody": id, "MessageGroupId": "g", "MessageDeduplicationId": id });
    cloud.sqs("SendMessage", in_order("1")).await;
    cloud.sqs("CreateQueue", json!({ "QueueName": "own", "Attributes": { "VisibilityTimeout": "7" } })).await;
    cloud.sns("Action=CreateTopic&Name=own").await;
    let endpoint = "arn:aws:sqs:us-east-1:123456789012:own";
    cloud
        .sns(&format!(
            "Action=Subscribe&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Protocol=sqs&Endpoint={endpoint}"
        ))
        .await;
    cloud.running.control().advance(Duration::from_secs(100)).unwrap();
    let now = cloud.clock.now();
    // Nothing is said to the journal at the end: this is all that a killed process leaves.
    cloud.running.stop().await;

    let cloud = start(&folder).await;
    let (source, fifo) = (cloud.queue("source"), cloud.queue("q.fifo"));
    assert!(cloud.clock.now() >= now, "the clock went back");
    // A hidden message's time is over by now, as the clock was put forward; the delayed one's is not.
    assert_eq!(cloud.depth(&source).await, [2, 0, 1]);
    let request = json!({ "QueueUrl": source, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"] });
    let received = cloud.sqs("ReceiveMessage", request).await;
    let mut counts: Vec<_> = received["Messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            assert_eq!(message["MessageAttributes"], attributes);
            (message["Body"].as_str().unwrap(), message["Attributes"]["ApproximateReceiveCount"].as_str().unwrap())
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [("hidden", "2"), ("kept", "2")]);
    // A repeat is still one, and the own queue still has its subscription.
    cloud
        .sqs(
            "SendMessage",
            json!({ "QueueUrl": fifo, "MessageBody": "1", "MessageGroupId": "g", "MessageDeduplicationId": "1" }),
        )
        .await;
    assert_eq!(cloud.drain(&fifo).await, ["1"]);
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Message=hello").await;
    let own = cloud.next(&cloud.queue("own")).await;
    assert_eq!(serde_json::from_str::<Value>(own["Body"].as_str().unwrap()).unwrap()["Message"], "hello");
    let attributes = json!({ "QueueUrl": cloud.queue("own"), "AttributeNames": ["VisibilityTimeout"] });
    assert_eq!(cloud.sqs("GetQueueAttributes", attributes).await["Attributes"]["VisibilityTimeout"], "7");
    assert!(cloud.sns("Action=ListTopics").await.contains(":own<"));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_were_set_and_what_functions_said_are_there_again_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    const TEMPLATE: &str = "
Resources:
  S: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: s, SecretString: first}}
  F: {Type: 'AWS::Lambda::Function', Metadata: {Binary: probe}, Properties: {FunctionName: f}}
";
    let folder = folder("secrets");
    let secret = async |cloud: &Cloud, action: &str, request: Value| {
        let headers = [("x-amz-target", format!("secretsmanager.{action}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        call("POST", &cloud.aws, &headers, request.to_string()).await.json()
    };
    let cloud = Cloud::start_at(TEMPLATE, Some(folder.clone())).await;
    let put = secret(&cloud, "PutSecretValue", json!({ "SecretId": "s", "SecretString": "second" })).await;
    assert_eq!(cloud.invoke("f", "RequestResponse", &json!({ "do": "answer", "answer": 1 })).await.status, 200);
    let log = cloud.log("/aws/lambda/f").await;
    assert_eq!(log.len(), 1);
    cloud.running.stop().await;
    let mode = fs::metadata(folder.join("cloud.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Twice: what was kept once is kept on.
    for _ in 0..2 {
        let cloud = Cloud::start_at(TEMPLATE, Some(folder.clone())).await;
        let got = secret(&cloud, "GetSecretValue", json!({ "SecretId": "s" })).await;
        assert_eq!((&got["SecretString"], &got["VersionId"]), (&json!("second"), &put["VersionId"]));
        assert_eq!(cloud.log("/aws/lambda/f").await, log);
        cloud.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_secret_is_the_same_after_a_restart() {
    const TEMPLATE: &str = "
Resources:
  S:
    Type: 'AWS::SecretsManager::Secret'
    Properties: {Name: s, GenerateSecretString: {SecretStringTemplate: '{}', GenerateStringKey: key, PasswordLength: 64}}
";
    let folder = folder("generated");
    let mut values = Vec::new();
    for _ in 0..3 {
        let cloud = Cloud::start_at(TEMPLATE, Some(folder.clone())).await;
        let headers = [("x-amz-target", "secretsmanager.GetSecretValue")];
        let got = call("POST", &cloud.aws, &headers, json!({ "SecretId": "s" }).to_string()).await.json();
        values.push(got["SecretString"].as_str().unwrap().to_owned());
        cloud.running.stop().await;
    }
    let key = |value: &String| serde_json::from_str::<Value>(value).unwrap()["key"].as_str().unwrap().len();
    assert!(values.iter().all(|value| *value == values[0] && key(value) == 64), "{values:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_cut_short_is_not_missed_and_one_that_is_none_is_named() {
    let folder = folder("cut");
    let cloud = start(&folder).await;
    cloud.sqs("SendMessage", json!({ "QueueUrl": cloud.queue("source"), "MessageBody": "m" })).await;
    cloud.running.stop().await;
    let journal = folder.join("cloud.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, format!("{text}{{\"queue\":{{\"qu")).unwrap();
    let cloud = start(&folder).await;
    assert_eq!(cloud.drain(&cloud.queue("source")).await, ["m"]);
    cloud.running.stop().await;
    fs::write(&journal, "no line\n").unwrap();
    let error = Cloud::try_start(QUEUES, Some(folder.clone())).await.err().unwrap().to_string();
    assert!(error.contains("cloud.jsonl:1 is no line of a journal"), "{error}");
}
