//! The virtual clock: what takes minutes on AWS takes none here.

use std::time::Duration;

use local_cloud::activity::What;
use serde_json::json;

use crate::cloud::Cloud;

const QUEUES: &str = "
Resources:
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  Source:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: source
      VisibilityTimeout: 3600
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
";

#[tokio::test(flavor = "multi_thread")]
async fn three_receives_and_a_dead_letter_take_no_time() {
    let cloud = Cloud::start(QUEUES).await;
    let (source, dead) = (cloud.queue("source"), cloud.queue("dead"));
    cloud.sqs("SendMessage", json!({ "QueueUrl": source, "MessageBody": "m" })).await;
    let receive = || cloud.sqs("ReceiveMessage", json!({ "QueueUrl": source, "MessageSystemAttributeNames": ["All"] }));
    for time in 1..=3 {
        let received = receive().await;
        assert_eq!(received["Messages"][0]["Attributes"]["ApproximateReceiveCount"], time.to_string());
        assert_eq!(receive().await, json!({}));
        cloud.clock.advance(Duration::from_secs(3600)).unwrap();
    }
    assert_eq!(receive().await, json!({}));
    let letter = cloud.next(&dead).await;
    assert_eq!(letter["Body"], "m");
    let source_arn = &letter["Attributes"]["DeadLetterQueueSourceArn"];
    assert_eq!(source_arn, "arn:aws:sqs:us-east-1:123456789012:source");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_delayed_message_is_woken_by_the_skip() {
    let cloud = Cloud::start(QUEUES).await;
    let source = cloud.queue("source");
    cloud.sqs("SendMessage", json!({ "QueueUrl": source, "MessageBody": "m", "DelaySeconds": 900 })).await;
    assert_eq!(cloud.depth(&source).await, [0, 0, 1]);
    let waits = cloud.sqs("ReceiveMessage", json!({ "QueueUrl": source, "WaitTimeSeconds": 20 }));
    let (received, _) = tokio::join!(waits, async {
        cloud.clock.advance(Duration::from_secs(890)).unwrap();
        cloud.clock.advance(Duration::from_secs(10)).unwrap();
    });
    // The wait itself may be over by the skip; the message is there then.
    let there = received["Messages"][0]["Body"] == "m" || cloud.drain(&source).await == ["m"];
    assert!(there);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_too_old_by_the_clock_also_where_it_was_given_up() {
    let cloud = Cloud::start(QUEUES).await;
    let (source, dead) = (cloud.queue("source"), cloud.queue("dead"));
    cloud.sqs("SendMessage", json!({ "QueueUrl": source, "MessageBody": "m" })).await;
    for _ in 0..3 {
        cloud.sqs("ReceiveMessage", json!({ "QueueUrl": source })).await;
        cloud.clock.advance(Duration::from_secs(24 * 3600)).unwrap();
    }
    cloud.sqs("ReceiveMessage", json!({ "QueueUrl": source })).await;
    assert_eq!(cloud.depth(&dead).await, [1, 0, 0]);
    // Four days since it was sent, one since it came here.
    cloud.clock.advance(Duration::from_secs(24 * 3600)).unwrap();
    assert_eq!(cloud.depth(&dead).await, [0, 0, 0]);
    cloud.running.stop().await;
}

const FUNCTION: &str = "
Resources:
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  F:
    Type: AWS::Lambda::Function
    Metadata: {Binary: probe}
    Properties: {FunctionName: f, DeadLetterConfig: {TargetArn: !GetAtt Dead.Arn}}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_asynchronous_event_that_fails_is_tried_after_one_and_two_minutes_and_then_buried() {
    let cloud = Cloud::start(FUNCTION).await;
    let mut happened = cloud.activity.listen();
    let event = json!({ "do": "fail" });
    assert_eq!(cloud.invoke("f", "Event", &event).await.status, 202);
    for wait in [60, 120] {
        let again = |what: &What| matches!(what, What::Again { seconds, .. } if *seconds == wait);
        Cloud::happens(&mut happened, again).await;
        cloud.clock.advance(Duration::from_secs(wait)).unwrap();
    }
    let letter = cloud.next(&cloud.queue("dead")).await;
    assert_eq!(letter["Body"], event.to_string());
    assert_eq!(letter["MessageAttributes"]["ErrorMessage"]["StringValue"], "as asked");
    assert_eq!(letter["MessageAttributes"]["ErrorCode"]["StringValue"], "200");
    cloud.running.stop().await;
}
