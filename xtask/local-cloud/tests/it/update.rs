//! Another template, or another binary, in the place of the one that runs: nothing is lost, nothing fails.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use local_cloud::{Updated, activity::What};
use serde_json::{Value, json};

use crate::cloud::{Cloud, binaries, call};

/// A folder with a link to what runs, and the versions of it beside.
struct Versions(PathBuf);

impl Versions {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("update-{name}-{}", std::process::id()));
        let _old = fs::remove_dir_all(&folder);
        for version in ["one", "two"] {
            fs::create_dir_all(folder.join(version)).unwrap();
            // A file that was just written cannot be run while another thread starts a process.
            fs::hard_link(binaries().join("probe"), folder.join(version).join("probe")).unwrap();
        }
        // It is there and can be run, and does not start.
        fs::create_dir_all(folder.join("broken")).unwrap();
        symlink("/bin/false", folder.join("broken/probe")).unwrap();
        let versions = Self(folder);
        versions.choose("one");
        versions
    }

    /// The template's binary is this version from now on.
    fn choose(&self, version: &str) {
        let link = self.0.join("new");
        symlink(self.0.join(version).join("probe"), &link).unwrap();
        fs::rename(link, self.0.join("probe")).unwrap();
    }

    async fn start(&self, template: &str) -> Cloud {
        let folder = self.0.clone();
        Cloud::try_start_as(template, |options| options.binaries = folder)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The version whose folder this is.
    fn which(root: &Value) -> String {
        Path::new(root.as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
    }
}

impl Drop for Versions {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

const FUNCTION: &str = "
  F: {Type: 'AWS::Lambda::Function', Metadata: {Binary: probe}, Properties: {FunctionName: f, Timeout: 20}}";
const API: &str = "
  A: {Type: 'AWS::ApiGatewayV2::Api', Properties: {Name: a, ProtocolType: HTTP}}
  I: {Type: 'AWS::ApiGatewayV2::Integration', Properties: {ApiId: !Ref A, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn, PayloadFormatVersion: '2.0'}}
  R: {Type: 'AWS::ApiGatewayV2::Route', Properties: {ApiId: !Ref A, RouteKey: GET /one, Target: !Sub 'integrations/${I}'}}";
const FED: &str = "
  D: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q, VisibilityTimeout: 60, RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 1}}}
  E: {Type: 'AWS::Lambda::EventSourceMapping', Properties: {EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref F, BatchSize: 1}}";

fn template(resources: &[&str]) -> cfn::Template {
    cfn::read::template(&text(resources)).unwrap()
}

fn text(resources: &[&str]) -> String {
    format!("Resources:{}\n", resources.concat())
}

async fn root(cloud: &Cloud) -> String {
    let answer = call("GET", &format!("{}/one?do=root", cloud.api), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Versions::which(&answer.json()["root"])
}

fn one_function(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Waits until nothing is in a queue.
async fn emptied(cloud: &Cloud, queue: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        let depth = cloud.depth(&cloud.queue(queue)).await;
        if depth == [0, 0, 0] {
            return;
        }
        assert!(std::time::Instant::now() < until, "{queue} still holds {depth:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binaries_are_swapped_under_load_and_nothing_fails_or_is_lost() {
    let versions = Versions::new("swap");
    let described = [FUNCTION, API, FED];
    let mut cloud = versions.start(&text(&described)).await;
    let (over, url, aws) = (Arc::new(AtomicBool::new(false)), format!("{}/one?do=root", cloud.api), cloud.aws.clone());
    let asking = [0; 3].map(|_| {
        let (over, url) = (Arc::clone(&over), url.clone());
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let answer = call("GET", &url, &[], "").await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                seen.push(Versions::which(&answer.json()["root"]));
            }
            seen
        })
    });
    let (stop, queue) = (Arc::clone(&over), cloud.queue("q"));
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let body = json!({ "QueueUrl": queue, "MessageBody": "{}" }).to_string();
            let headers = [("x-amz-target", "AmazonSQS.SendMessage"), ("content-type", "application/x-amz-json-1.0")];
            assert_eq!(call("POST", &aws, &headers, body).await.status, 200);
            sent += 1;
        }
        sent
    });
    assert_eq!(root(&cloud).await, "one");
    versions.choose("two");
    let swapped = cloud.running.update(&template(&described)).await.unwrap();
    assert_eq!(swapped, Updated { functions: one_function(&["f"]), not_started: Vec::new() });
    assert_eq!(root(&cloud).await, "two");
    versions.choose("broken");
    let refused = cloud.running.update(&template(&described)).await.unwrap();
    assert_eq!(refused, Updated { functions: Vec::new(), not_started: one_function(&["f"]) });
    assert_eq!(root(&cloud).await, "two");
    versions.choose("one");
    cloud.running.update(&template(&described)).await.unwrap();
    assert_eq!(root(&cloud).await, "one");
    over.store(true, Ordering::Relaxed);
    for asked in asking {
        let mut seen = asked.await.unwrap();
        seen.dedup();
        assert!(["one", "two", "one"].join(" ").contains(&seen.join(" ")), "each version in its time: {seen:?}");
    }
    assert!(sending.await.unwrap() > 0);
    emptied(&cloud, "q").await;
    assert_eq!(cloud.depth(&cloud.queue("dead")).await, [0, 0, 0], "every message was worked on at its first receive");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_ends_on_the_binary_it_began_with_while_the_next_answers_from_the_new_one() {
    let versions = Versions::new("running");
    let mut cloud = versions.start(&text(&[FUNCTION, API])).await;
    let (mut happened, file) = (cloud.activity.listen(), versions.0.join("go"));
    let (aws, event) = (cloud.aws.clone(), json!({ "do": "until", "file": file.to_str().unwrap() }));
    let running = tokio::spawn(async move {
        let url = format!("{aws}/2015-03-31/functions/f/invocations");
        call("POST", &url, &[], event.to_string()).await.json()["root"].clone()
    });
    let began = |what: &What| matches!(what, What::Logged { line, .. } if line.contains("until"));
    Cloud::happens(&mut happened, began).await;
    versions.choose("two");
    cloud.running.update(&template(&[FUNCTION, API])).await.unwrap();
    assert_eq!(root(&cloud).await, "two");
    fs::write(file, "").unwrap();
    assert_eq!(Versions::which(&running.await.unwrap()), "one");
    cloud.running.stop().await;
}

const TOPIC: &str = "
  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: t}}
  S: {Type: 'AWS::SNS::Subscription', Properties: {TopicArn: !Ref T, Protocol: sqs, Endpoint: !GetAtt K.Arn, RawMessageDelivery: true}}
  K: {Type: 'AWS::SQS::Queue', Properties: {QueueName: kept}}";

#[tokio::test(flavor = "multi_thread")]
async fn another_template_takes_the_place_of_the_one_that_runs() {
    let versions = Versions::new("template");
    let mut cloud = versions.start(&text(&[FUNCTION, API, FED, TOPIC])).await;
    let (kept, fed) = (cloud.queue("kept"), cloud.queue("q"));
    cloud.sqs("SendMessage", json!({ "QueueUrl": kept, "MessageBody": "before" })).await;
    let by_hand = json!({ "QueueUrl": fed, "Attributes": { "DelaySeconds": "7" } });
    cloud.sqs("SetQueueAttributes", by_hand).await;
    // What was the function's alone is another's; the mapping and the dead-letter queue are gone; a route has another path.
    let function = FUNCTION.replace("Timeout: 20", "Timeout: 21, Environment: {Variables: {NEW: '1'}}");
    let other = function.replace("F:", "G:").replace("FunctionName: f", "FunctionName: g");
    let api = API.replace("GET /one", "GET /two");
    let topic = TOPIC
        .replace("TopicArn: !Ref T", "TopicArn: !Ref N")
        .replace("QueueName: kept", "QueueName: kept, VisibilityTimeout: 5");
    let queue = "
  N: {Type: 'AWS::SNS::Topic', Properties: {TopicName: n}}
  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q, VisibilityTimeout: 60}}
  A1: {Type: 'AWS::CloudWatch::Alarm', Properties: {AlarmName: a, MetricName: M, Namespace: N, ComparisonOperator: GreaterThanThreshold, Threshold: 1, EvaluationPeriods: 1, Period: 60, Statistic: Sum}}
Outputs: {Two: {Value: !Ref N}}";
    let next = template(&[&function, &other, &api, &topic, queue]);
    let updated = cloud.running.update(&next).await.unwrap();
    assert_eq!(updated.functions, ["f", "g"]);
    let answer = call("GET", &format!("{}/two", cloud.api), &[], "").await;
    assert_eq!(answer.json()["variables"]["NEW"], "1");
    assert_eq!(call("GET", &format!("{}/one", cloud.api), &[], "").await.status, 404);
    assert_eq!(cloud.invoke("g", "RequestResponse", &json!({})).await.json()["variables"]["NEW"], "1");
    let attributes = |queue: &str| {
        let request = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        async { cloud.sqs("GetQueueAttributes", request).await["Attributes"].clone() }
    };
    assert_eq!(attributes(&kept).await["VisibilityTimeout"], "5");
    assert_eq!(attributes(&fed).await["RedrivePolicy"], Value::Null);
    assert_eq!(cloud.next(&kept).await["Body"], "before");
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:n&Message=after").await;
    assert_eq!(cloud.next(&kept).await["Body"], "after");
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Message=nowhere").await;
    assert_eq!(cloud.depth(&kept).await, [0, 0, 0], "the subscription of the other topic is gone");
    assert_eq!(cloud.try_sqs("GetQueueUrl", json!({ "QueueName": "dead" })).await.status, 400);
    // Nothing feeds the function any more.
    cloud.sqs("SetQueueAttributes", json!({ "QueueUrl": fed, "Attributes": { "DelaySeconds": "0" } })).await;
    cloud.sqs("SendMessage", json!({ "QueueUrl": fed, "MessageBody": "{}" })).await;
    assert_eq!(cloud.drain(&fed).await, ["{}"]);
    assert_eq!(cloud.running.control().alarms.told().len(), 1);
    assert_eq!(cloud.running.outputs()["Two"], "arn:aws:sns:us-east-1:123456789012:n");
    let stack = call("POST", &cloud.aws, &[], "Version=2010-05-15&Action=DescribeStacks").await.body;
    assert!(stack.contains("UPDATE_COMPLETE") && stack.contains("<OutputKey>Two"), "{stack}");
    cloud.running.update(&template(&[FUNCTION, TOPIC])).await.unwrap();
    assert_eq!(cloud.invoke("g", "RequestResponse", &json!({})).await.status, 404);
    assert_eq!(call("GET", &format!("{}/two", cloud.api), &[], "").await.status, 404);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_template_leaves_as_it_is_stays_as_calls_made_it() {
    let mut cloud = Cloud::start(&text(&[TOPIC])).await;
    let kept = cloud.queue("kept");
    cloud.sqs("SetQueueAttributes", json!({ "QueueUrl": kept, "Attributes": { "DelaySeconds": "7" } })).await;
    cloud.sqs("CreateQueue", json!({ "QueueName": "own" })).await;
    let own = "&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:123456789012:own&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true";
    cloud.sns(&format!("Action=Subscribe&TopicArn=arn:aws:sns:us-east-1:123456789012:t{own}")).await;
    let more = "\n  M: {Type: 'AWS::SQS::Queue', Properties: {QueueName: more}}";
    cloud.running.update(&template(&[TOPIC, more])).await.unwrap();
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Message=m").await;
    assert_eq!(cloud.next(&cloud.queue("own")).await["Body"], "m");
    assert_eq!(cloud.depth(&kept).await, [0, 0, 1], "the delay that was set by hand");
    assert_eq!(cloud.depth(&cloud.queue("more")).await, [0, 0, 0]);
    // A fresh start is that of the template that runs now.
    cloud.running.control().reset();
    assert_eq!(cloud.try_sqs("GetQueueUrl", json!({ "QueueName": "own" })).await.status, 400);
    assert_eq!(cloud.depth(&cloud.queue("more")).await, [0, 0, 0]);
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Message=again").await;
    assert_eq!(cloud.next(&kept).await["Body"], "again");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_cannot_be_made_changes_nothing() {
    let versions = Versions::new("wrong");
    let mut cloud = versions.start(&text(&[FUNCTION, API, TOPIC])).await;
    let wrong = TOPIC.replace("QueueName: kept", "QueueName: kept, VisibilityTimeout: 99999");
    let more = "\n  M: {Type: 'AWS::SQS::Queue', Properties: {QueueName: more}}";
    let refused = cloud.running.update(&template(&[more, &wrong])).await.unwrap_err().to_string();
    assert!(refused.starts_with("K (AWS::SQS::Queue) cannot be made: "), "{refused}");
    assert_eq!(root(&cloud).await, "one");
    assert_eq!(cloud.try_sqs("GetQueueUrl", json!({ "QueueName": "more" })).await.status, 400);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_time_runs_out_while_a_function_is_debugged_and_it_has_one_environment() {
    let versions = Versions::new("debug");
    let (function, fed) = (FUNCTION.replace("Timeout: 20", "Timeout: 1"), FED.replace("Timeout: 60", "Timeout: 1"));
    let folder = versions.0.clone();
    let change = |options: &mut local_cloud::Options| {
        options.binaries = folder;
        options.debug = Some("f".to_owned());
    };
    let cloud = Cloud::try_start_as(&text(&[&function, &fed]), change).await.unwrap_or_else(|error| panic!("{error}"));
    let (mut happened, file) = (cloud.activity.listen(), versions.0.join("go"));
    let held = json!({ "do": "until", "file": file.to_str().unwrap() });
    cloud.sqs("SendMessage", json!({ "QueueUrl": cloud.queue("q"), "MessageBody": held.to_string() })).await;
    let began = |what: &What| matches!(what, What::Logged { line, .. } if line.contains("until"));
    Cloud::happens(&mut happened, began).await;
    // The message's time and the function's are over by far, and it is neither given out again nor given up.
    cloud.running.control().advance(std::time::Duration::from_secs(3600)).unwrap();
    assert_eq!(cloud.depth(&cloud.queue("q")).await, [0, 1, 0]);
    let (aws, second) = (cloud.aws.clone(), json!({ "do": "root" }));
    let waits = tokio::spawn(async move {
        call("POST", &format!("{aws}/2015-03-31/functions/f/invocations"), &[], second.to_string()).await
    });
    fs::write(file, "").unwrap();
    assert_eq!(waits.await.unwrap().status, 200);
    emptied(&cloud, "q").await;
    assert_eq!(cloud.depth(&cloud.queue("dead")).await, [0, 0, 0]);
    let (function, environments) = cloud.running.lambda().functions().remove(0);
    assert_eq!((function.debugged, environments), (true, 1));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_asynchronous_events_is_what_the_new_template_says() {
    let told = "\n  T: {Type: 'AWS::SQS::Queue', Properties: {QueueName: told}}";
    let config = "
  C: {Type: 'AWS::Lambda::EventInvokeConfig', Properties: {FunctionName: !Ref F, Qualifier: $LATEST, MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Destination: !GetAtt T.Arn}}}}";
    let mut cloud = Cloud::start(&text(&[FUNCTION, told])).await;
    cloud.running.update(&template(&[FUNCTION, told, config])).await.unwrap();
    cloud.invoke("f", "Event", &json!({ "do": "fail" })).await;
    let record: Value = serde_json::from_str(cloud.next(&cloud.queue("told")).await["Body"].as_str().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    cloud.running.stop().await;
}
