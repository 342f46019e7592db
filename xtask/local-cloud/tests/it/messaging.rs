//! Traps of SQS, of event sources, and of SNS, which most emulators mix up.
//!
//! Sources: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html>

use std::time::Duration;

use local_cloud::activity::What;
use serde_json::{Value, json};

use crate::cloud::{Cloud, EMPTY};

/// A queue that feeds the function that does what its messages say, two receives, then the dead-letter queue.
fn fed(properties: &str) -> String {
    format!(
        "
Resources:
  Dead: {{Type: 'AWS::SQS::Queue', Properties: {{QueueName: dead}}}}
  Source:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: source
      VisibilityTimeout: 30
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}}
  F: {{Type: 'AWS::Lambda::Function', Metadata: {{Binary: probe}}, Properties: {{FunctionName: f}}}}
  E:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{EventSourceArn: !GetAtt Source.Arn, FunctionName: !Ref F{properties}}}
"
    )
}

const PARTIAL: &str = ", FunctionResponseTypes: [ReportBatchItemFailures]";

/// Sends these bodies in one call, and waits until the function has processed each of them and those that it did not fail are
/// deleted. The event source may receive them in several batches.
async fn work(cloud: &Cloud, bodies: &[Value]) {
    work_on(cloud, bodies, bodies.len()).await;
}

/// As [`work`], where the function receives only so many of the messages.
async fn work_on(cloud: &Cloud, bodies: &[Value], received: usize) {
    let mut happened = cloud.activity.listen();
    let entries = bodies.iter().enumerate();
    let entries: Vec<_> =
        entries.map(|(at, body)| json!({ "Id": at.to_string(), "MessageBody": body.to_string() })).collect();
    cloud.sqs("SendMessageBatch", json!({ "QueueUrl": cloud.queue("source"), "Entries": entries })).await;
    let mut processed = 0;
    while processed < received {
        let batch = Cloud::happens(&mut happened, |what| matches!(what, What::Batch { .. })).await;
        let What::Batch { messages, .. } = batch.what else { unreachable!() };
        processed += messages;
    }
}

/// Puts the clock forward until a message lies in the dead-letter queue; the bodies of those that do.
async fn dead(cloud: &Cloud, count: usize) -> Vec<Value> {
    let mut happened = cloud.activity.listen();
    let mut bodies = Vec::new();
    while bodies.len() < count {
        cloud.clock.advance(Duration::from_secs(30)).unwrap();
        let waited =
            Cloud::happens(&mut happened, |what| matches!(what, What::Batch { .. } | What::DeadLettered { .. }));
        waited.await;
        bodies.extend(cloud.drain(&cloud.queue("dead")).await.iter().map(|body| serde_json::from_str(body).unwrap()));
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_comes_back_after_its_time_and_then_is_given_up() {
    let cloud = Cloud::start(&fed(PARTIAL)).await;
    work(&cloud, &[json!({ "fail": 1 }), json!({ "good": 1 })]).await;
    assert_eq!(dead(&cloud, 1).await, [json!({ "fail": 1 })]);
    assert_eq!(cloud.depth(&cloud.queue("source")).await, [0, 0, 0]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_makes_no_sense_fails_the_whole_batch() {
    let cloud = Cloud::start(&fed(PARTIAL)).await;
    let wrong = json!({ "answer": r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"# });
    work(&cloud, &[wrong.clone(), json!({ "good": 1 })]).await;
    let mut bodies = dead(&cloud, 2).await;
    bodies.sort_by_key(Value::to_string);
    assert_eq!(bodies, [wrong, json!({ "good": 1 })]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_partial_answers_what_is_answered_does_not_matter() {
    let cloud = Cloud::start(&fed("")).await;
    work(&cloud, &[json!({ "answer": "no json at all" })]).await;
    // A queue's last message was deleted, so that the next is alone.
    work(&cloud, &[json!({ "fail": 1 })]).await;
    cloud.clock.advance(Duration::from_secs(3600)).unwrap();
    assert_eq!(cloud.drain(&cloud.queue("dead")).await, Vec::<String>::new());
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_does_not_fit_is_deleted() {
    let filter = r#", FilterCriteria: {Filters: [{Pattern: '{"body":{"kind":["wanted"]}}'}]}"#;
    let cloud = Cloud::start(&fed(filter)).await;
    let mut happened = cloud.activity.listen();
    work_on(&cloud, &[json!({ "kind": "other" }), json!({ "kind": "wanted" })], 1).await;
    let seen = Cloud::happens(&mut happened, |what| matches!(what, What::Logged { .. })).await;
    let What::Logged { line, .. } = &seen.what else { unreachable!() };
    let event: Value = serde_json::from_str(line).unwrap();
    let bodies: Vec<_> = event["Records"].as_array().unwrap().iter().map(|record| record["body"].clone()).collect();
    assert_eq!(bodies, [json!({ "kind": "wanted" }).to_string()]);
    cloud.running.stop().await;
}

const TOPIC: &str = "
Resources:
  OfSubscription: {Type: 'AWS::SQS::Queue', Properties: {QueueName: of-subscription}}
  OfFunction: {Type: 'AWS::SQS::Queue', Properties: {QueueName: of-function}}
  F:
    Type: AWS::Lambda::Function
    Metadata: {Binary: probe}
    Properties: {FunctionName: f, DeadLetterConfig: {TargetArn: !GetAtt OfFunction.Arn}}
  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: t}}
  Good:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref T
      Protocol: lambda
      Endpoint: !GetAtt F.Arn
      RedrivePolicy: {deadLetterTargetArn: !GetAtt OfSubscription.Arn}
  Gone:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref T
      Protocol: sqs
      Endpoint: !Sub 'arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:gone'
      RedrivePolicy: {deadLetterTargetArn: !GetAtt OfSubscription.Arn}
      RawMessageDelivery: true
";

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriptions_dead_letters_are_what_cannot_be_delivered_and_a_functions_are_what_it_failed_at() {
    let cloud = Cloud::start(TOPIC).await;
    let mut happened = cloud.activity.listen();
    cloud.sns("Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Message=fail").await;
    // The queue that is gone is undeliverable at once; the function took the message.
    assert_eq!(cloud.next(&cloud.queue("of-subscription")).await["Body"], "fail");
    for wait in [60, 120] {
        let again = |what: &What| matches!(what, What::Again { seconds, .. } if *seconds == wait);
        Cloud::happens(&mut happened, again).await;
        cloud.clock.advance(Duration::from_secs(wait)).unwrap();
    }
    let buried = cloud.next(&cloud.queue("of-function")).await;
    let event: Value = serde_json::from_str(buried["Body"].as_str().unwrap()).unwrap();
    assert_eq!(event["Records"][0]["Sns"]["Message"], "fail");
    assert_eq!(cloud.drain(&cloud.queue("of-subscription")).await, Vec::<String>::new());
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_in_a_standard_queue_holds_nothing_back() {
    let cloud = Cloud::start(EMPTY).await;
    cloud.sqs("CreateQueue", json!({ "QueueName": "q" })).await;
    let queue = cloud.queue("q");
    for body in ["1", "2"] {
        let message = json!({ "QueueUrl": queue, "MessageBody": body, "MessageGroupId": "g" });
        cloud.sqs("SendMessage", message).await;
    }
    let request = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 1, "MessageSystemAttributeNames": ["All"] });
    for body in ["1", "2"] {
        let received = cloud.sqs("ReceiveMessage", request.clone()).await;
        assert_eq!(received["Messages"][0]["Body"], body);
        assert_eq!(received["Messages"][0]["Attributes"]["MessageGroupId"], "g");
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_topic_keeps_order_numbers_it_and_drops_repeats() {
    let cloud = Cloud::start(EMPTY).await;
    let fifo = json!({ "FifoQueue": "true" });
    cloud.sqs("CreateQueue", json!({ "QueueName": "q.fifo", "Attributes": fifo })).await;
    let topic = "arn:aws:sns:us-east-1:123456789012:t.fifo";
    cloud.sns("Action=CreateTopic&Name=t.fifo&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=true").await;
    let endpoint = "arn:aws:sqs:us-east-1:123456789012:q.fifo";
    cloud.sns(&format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={endpoint}")).await;
    let publish =
        |id: u32| format!("Action=Publish&TopicArn={topic}&Message=m{id}&MessageGroupId=g&MessageDeduplicationId={id}");
    let number = |answer: &str| answer.split_once("<SequenceNumber>").unwrap().1[..20].to_owned();
    let first = cloud.sns(&publish(1)).await;
    let second = cloud.sns(&publish(2)).await;
    assert!(number(&first) < number(&second), "{first} {second}");
    assert_eq!(number(&cloud.sns(&publish(1)).await), number(&first));
    let bodies = cloud.drain(&cloud.queue("q.fifo")).await;
    let texts: Vec<Value> =
        bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["Message"].clone()).collect();
    assert_eq!(texts, ["m1", "m2"]);
    cloud.clock.advance(Duration::from_secs(300)).unwrap();
    assert!(number(&cloud.sns(&publish(1)).await) > number(&second));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_task_takes_dead_letters_back_to_where_they_came_from() {
    let cloud = Cloud::start(
        "
Resources:
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: dead}}
  Source:
    Type: AWS::SQS::Queue
    Properties: {QueueName: source, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}}
",
    )
    .await;
    let (source, dead) = (cloud.queue("source"), cloud.queue("dead"));
    for body in ["1", "2"] {
        cloud.sqs("SendMessage", json!({ "QueueUrl": source, "MessageBody": body })).await;
    }
    let receive = json!({ "QueueUrl": source, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
    cloud.sqs("ReceiveMessage", receive.clone()).await;
    assert_eq!(cloud.sqs("ReceiveMessage", receive).await, json!({}));
    assert_eq!(cloud.depth(&dead).await, [2, 0, 0]);
    let arn = "arn:aws:sqs:us-east-1:123456789012:dead";
    cloud.sqs("StartMessageMoveTask", json!({ "SourceArn": arn })).await;
    assert_eq!(cloud.next(&source).await["Body"], "1");
    assert_eq!(cloud.next(&source).await["Body"], "2");
    let tasks = cloud.sqs("ListMessageMoveTasks", json!({ "SourceArn": arn })).await;
    assert_eq!(tasks["Results"][0]["ApproximateNumberOfMessagesMoved"], 2, "{tasks}");
    let refused = cloud.try_sqs("StartMessageMoveTask", json!({ "SourceArn": arn.replace("dead", "source") })).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    cloud.running.stop().await;
}

/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_answer_of_a_receive_gets_the_same_messages_by_its_id() {
    let cloud = Cloud::start(EMPTY).await;
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    let created = cloud.sqs("CreateQueue", json!({ "QueueName": "q.fifo", "Attributes": attributes })).await;
    let url = created["QueueUrl"].clone();
    for body in ["1", "2", "3"] {
        cloud.sqs("SendMessage", json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g" })).await;
    }
    let receive = async |id: &str| {
        let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 2, "ReceiveRequestAttemptId": id });
        cloud.sqs("ReceiveMessage", request).await["Messages"].clone()
    };
    let first = receive("a").await;
    assert_eq!(first.as_array().map(Vec::len), Some(2));
    assert_eq!(receive("b").await, Value::Null);
    assert_eq!(receive("a").await, first);
    for message in first.as_array().unwrap() {
        let handle = &message["ReceiptHandle"];
        cloud.sqs("DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": handle })).await;
    }
    // None of them is hidden by that receive any more.
    assert_eq!(receive("a").await[0]["Body"], "3");
    let wrong = json!({ "QueueUrl": url, "ReceiveRequestAttemptId": "a b" });
    assert_eq!(cloud.try_sqs("ReceiveMessage", wrong).await.status, 400);
    cloud.running.stop().await;
}
