//! Topics and the endpoints of this machine that they send messages to by HTTP.
//!
//! Sources: <https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html>

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use local_cloud::activity::What;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::cloud::{Cloud, EMPTY, call};

/// Something that takes what topics send, and answers as it is told, or else that all is well.
struct Endpoint {
    url: String,
    answers: Arc<Mutex<VecDeque<u16>>>,
    taken: mpsc::UnboundedReceiver<(HeaderMap, String)>,
}

impl Endpoint {
    async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook?from=sns", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let (take, taken) = mpsc::unbounded_channel();
        let script = Arc::clone(&answers);
        let answer = move |headers: HeaderMap, body: String| async move {
            let status = script.lock().unwrap().pop_front().unwrap_or(200);
            take.send((headers, body)).unwrap();
            StatusCode::from_u16(status).unwrap()
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(answer))).await });
        Self { url, answers, taken }
    }

    fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    async fn next(&mut self) -> (HeaderMap, String) {
        let next = tokio::time::timeout(Duration::from_secs(120), self.taken.recv()).await;
        next.expect("nothing is sent").unwrap()
    }

    /// Goes where the endpoint is asked to go.
    async fn confirm(&mut self) -> Value {
        let (headers, body) = self.next().await;
        assert_eq!(headers["x-amz-sns-message-type"], "SubscriptionConfirmation");
        let asked: Value = serde_json::from_str(&body).unwrap();
        let answer = call("GET", asked["SubscribeURL"].as_str().unwrap(), &[], "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        asked
    }
}

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";

impl Cloud {
    /// Makes the topic, and subscribes an endpoint to it; the answer.
    async fn subscribe(&self, endpoint: &Endpoint, attributes: &[(&str, &str)]) -> String {
        self.sns("Action=CreateTopic&Name=t").await;
        let attributes = attributes.iter().zip(1..).map(|((name, value), at)| {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("&Attributes.entry.{at}.key={name}&Attributes.entry.{at}.value={value}")
        });
        let attributes: String = attributes.collect();
        let to: String = url::form_urlencoded::byte_serialize(endpoint.url.as_bytes()).collect();
        self.sns(&format!("Action=Subscribe&TopicArn={TOPIC}&Protocol=http&Endpoint={to}{attributes}")).await
    }

    async fn publish(&self, message: &str) {
        self.sns(&format!("Action=Publish&TopicArn={TOPIC}&Subject=news&Message={message}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_gets_messages_once_it_said_that_it_wants_them() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    let mut happened = cloud.activity.listen();
    let answer = cloud.subscribe(&endpoint, &[]).await;
    assert!(answer.contains("<SubscriptionArn>pending confirmation</SubscriptionArn>"), "{answer}");
    let listed = cloud.sns("Action=ListSubscriptions").await;
    assert!(listed.contains("<SubscriptionArn>PendingConfirmation</SubscriptionArn>"), "{listed}");
    cloud.publish("early").await;
    let guessed = format!("{}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1", cloud.aws);
    assert_eq!(call("GET", &guessed, &[], "").await.status, 400);

    let asked = endpoint.confirm().await;
    assert_eq!((&asked["Type"], &asked["TopicArn"]), (&json!("SubscriptionConfirmation"), &json!(TOPIC)));
    let listed = cloud.sns("Action=ListSubscriptions").await;
    assert!(listed.contains(&format!("<SubscriptionArn>{TOPIC}:")), "{listed}");
    let attributes = cloud.sns(&format!("Action=GetTopicAttributes&TopicArn={TOPIC}")).await;
    assert!(attributes.contains("<key>SubscriptionsPending</key><value>0</value>"), "{attributes}");

    Cloud::happens(&mut happened, |what| matches!(what, What::Notified { confirmation: true, .. })).await;
    cloud.publish("news").await;
    let (headers, body) = endpoint.next().await;
    assert_eq!(headers["x-amz-sns-message-type"], "Notification");
    assert_eq!(headers["x-amz-sns-topic-arn"], TOPIC);
    assert_eq!(headers["content-type"], "text/plain; charset=UTF-8");
    assert_eq!(headers["user-agent"], "Amazon Simple Notification Service Agent");
    assert!(headers["x-amz-sns-subscription-arn"].to_str().unwrap().starts_with(TOPIC));
    let notification: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(notification["Message"], "news");
    assert_eq!(notification["Subject"], "news");
    assert_eq!(notification["MessageId"].as_str().unwrap(), headers["x-amz-sns-message-id"].to_str().unwrap());
    assert!(endpoint.taken.try_recv().is_err(), "what was published before is not sent");

    Cloud::happens(&mut happened, |what| matches!(what, What::Notified { confirmation: false, .. })).await;
    let hops = (1..20).filter_map(|number| cloud.activity.recorder().hop(number));
    let sent = hops.filter(|hop| endpoint.url.starts_with(hop.to.trim_start_matches("neighbour:")));
    let labels: Vec<_> = sent.map(|hop| hop.label.clone()).collect();
    assert_eq!(labels, ["SubscriptionConfirmation: 200", "Notification: 200"]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_well_gets_the_message_again_after_the_waits_of_the_policy() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    let policy = r#"{"healthyRetryPolicy":{"numRetries":4,"numNoDelayRetries":1,"minDelayTarget":5,"maxDelayTarget":500},
        "requestPolicy":{"headerContentType":"application/json"}}"#;
    cloud.subscribe(&endpoint, &[("DeliveryPolicy", policy), ("RawMessageDelivery", "true")]).await;
    endpoint.confirm().await;
    endpoint.answer(&[503, 429, 500, 301]);
    let mut happened = cloud.activity.listen();
    cloud.publish("raw").await;
    let mut ids = Vec::new();
    for again in [Some(0), Some(5), Some(253), Some(500), None] {
        let (headers, body) = endpoint.next().await;
        assert_eq!((body.as_str(), &headers["x-amz-sns-rawdelivery"]), ("raw", &"true".parse().unwrap()));
        assert_eq!(headers["content-type"], "application/json");
        ids.push(headers["x-amz-sns-message-id"].clone());
        let is_told = |what: &What| matches!(what, What::Notified { again: told, .. } if *told == again);
        Cloud::happens(&mut happened, is_told).await;
        cloud.clock.advance(Duration::from_secs(again.unwrap_or_default())).unwrap();
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "a repeat has the id of the first");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_does_not_take_is_a_dead_letter() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    let queue = cloud.sqs("CreateQueue", json!({ "QueueName": "dead" })).await;
    let queue = queue["QueueUrl"].as_str().unwrap();
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead"}"#;
    let policy = r#"{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":1}}"#;
    cloud.subscribe(&endpoint, &[("DeliveryPolicy", policy), ("RedrivePolicy", redrive)]).await;
    endpoint.confirm().await;
    // Refused for good at once, and after the last repeat.
    for (message, answers) in [("gone", &[410][..]), ("ill", &[500, 502])] {
        endpoint.answer(answers);
        cloud.publish(message).await;
        for _ in answers {
            endpoint.next().await;
        }
        let dead = cloud.next(queue).await;
        let dead: Value = serde_json::from_str(dead["Body"].as_str().unwrap()).unwrap();
        assert_eq!(dead["Message"], message);
    }
    assert!(endpoint.taken.try_recv().is_err(), "a refusal is not repeated");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_goes_where_the_subscription_says_when_it_is_given_up() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    let queue = cloud.sqs("CreateQueue", json!({ "QueueName": "dead" })).await;
    cloud.subscribe(&endpoint, &[("DeliveryPolicy", r#"{"healthyRetryPolicy":{"numRetries":1}}"#)]).await;
    endpoint.confirm().await;
    endpoint.answer(&[500, 500]);
    let mut happened = cloud.activity.listen();
    cloud.publish("late").await;
    let (headers, _) = endpoint.next().await;
    Cloud::happens(&mut happened, |what| matches!(what, What::Notified { again: Some(20), .. })).await;
    let arn = headers["x-amz-sns-subscription-arn"].to_str().unwrap();
    let redrive = "%7B%22deadLetterTargetArn%22%3A%22arn%3Aaws%3Asqs%3Aus-east-1%3A123456789012%3Adead%22%7D";
    let set = format!("&AttributeName=RedrivePolicy&AttributeValue={redrive}");
    cloud.sns(&format!("Action=SetSubscriptionAttributes&SubscriptionArn={arn}{set}")).await;
    cloud.clock.advance(Duration::from_secs(20)).unwrap();
    let dead = cloud.next(queue["QueueUrl"].as_str().unwrap()).await;
    let dead: Value = serde_json::from_str(dead["Body"].as_str().unwrap()).unwrap();
    assert_eq!(dead["Message"], "late");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_not_there_is_asked_again_by_the_next_call() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    endpoint.answer(&[404]);
    let mut happened = cloud.activity.listen();
    cloud.subscribe(&endpoint, &[]).await;
    endpoint.next().await;
    let is_given_up = |what: &What| matches!(what, What::Notified { failed: true, again: None, .. });
    Cloud::happens(&mut happened, is_given_up).await;
    // That it is over is known a moment after it is told.
    let asked = async {
        while endpoint.taken.is_empty() {
            cloud.subscribe(&endpoint, &[]).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), asked).await.unwrap();
    endpoint.confirm().await;
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_unsubscribed_gets_a_repeat() {
    let (cloud, mut endpoint) = (Cloud::start(EMPTY).await, Endpoint::open().await);
    cloud.subscribe(&endpoint, &[]).await;
    endpoint.confirm().await;
    endpoint.answer(&[500]);
    let mut happened = cloud.activity.listen();
    cloud.publish("once").await;
    let (headers, _) = endpoint.next().await;
    Cloud::happens(&mut happened, |what| matches!(what, What::Notified { again: Some(20), .. })).await;
    let arn = headers["x-amz-sns-subscription-arn"].to_str().unwrap();
    cloud.sns(&format!("Action=Unsubscribe&SubscriptionArn={arn}")).await;
    cloud.clock.advance(Duration::from_secs(20)).unwrap();
    cloud.subscribe(&endpoint, &[]).await;
    endpoint.confirm().await;
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_s_endpoint_is_asked_at_the_start_and_not_again_once_it_said_yes() {
    let mut endpoint = Endpoint::open().await;
    let template = format!(
        "
Resources:
  T: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: t}}}}
  S:
    Type: AWS::SNS::Subscription
    Properties: {{TopicArn: !Ref T, Protocol: http, Endpoint: '{}', DeliveryPolicy: {{healthyRetryPolicy: {{numRetries: 0}}}}}}
",
        endpoint.url
    );
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("endpoints-{}", std::process::id()));
    let cloud = Cloud::start_at(&template, Some(folder.clone())).await;
    assert_eq!(cloud.running.not_honoured(), [""; 0]);
    endpoint.confirm().await;
    // Its policy has nothing repeated.
    endpoint.answer(&[500]);
    let mut happened = cloud.activity.listen();
    cloud.publish("lost").await;
    endpoint.next().await;
    Cloud::happens(&mut happened, |what| matches!(what, What::Notified { failed: true, again: None, .. })).await;
    let reset = call("POST", &format!("{}/moto-api/reset", cloud.aws), &[], "").await;
    assert_eq!(reset.status, 200);
    cloud.publish("reset").await;
    assert_eq!(endpoint.next().await.0["x-amz-sns-message-type"], "Notification");
    cloud.running.stop().await;

    let cloud = Cloud::start_at(&template, Some(folder.clone())).await;
    cloud.publish("after").await;
    assert_eq!(endpoint.next().await.0["x-amz-sns-message-type"], "Notification");
    cloud.running.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
