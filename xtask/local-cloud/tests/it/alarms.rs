//! Metric filters and alarms: from a log line, a failure or a dead letter to the message that a person gets.

use std::time::Duration;

use local_cloud::activity::What;
use serde_json::{Value, json};

use crate::cloud::Cloud;

const WATCHED: &str = "
Resources:
  Alarms: {Type: 'AWS::SNS::Topic', Properties: {TopicName: alarms}}
  Inbox: {Type: 'AWS::SQS::Queue', Properties: {QueueName: inbox}}
  ToInbox:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Alarms, Protocol: sqs, Endpoint: !GetAtt Inbox.Arn, RawMessageDelivery: true}
  Errors: {Type: 'AWS::SQS::Queue', Properties: {QueueName: errors}}
  F: {Type: 'AWS::Lambda::Function', Metadata: {Binary: probe}, Properties: {FunctionName: f}}
  Forged:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: /aws/lambda/f
      FilterPattern: '{ $.signal = \"forged\" }'
      MetricTransformations: [{MetricNamespace: Own, MetricName: Forged, MetricValue: '1'}]
  ForgedAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties: &alarm
      AlarmName: forged
      AlarmActions: [!Ref Alarms]
      OKActions: [!Ref Alarms]
      Namespace: Own
      MetricName: Forged
      Statistic: Sum
      ComparisonOperator: GreaterThanOrEqualToThreshold
      Threshold: 2
      EvaluationPeriods: 1
      Period: 300
      TreatMissingData: notBreaching
  FailedAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: failed
      AlarmActions: [!Ref Alarms]
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{Name: FunctionName, Value: !Ref F}]
      Statistic: Sum
      ComparisonOperator: GreaterThanThreshold
      Threshold: 0
      EvaluationPeriods: 1
      Period: 60
      TreatMissingData: notBreaching
  ErrorsAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: errors
      AlarmActions: [!Ref Alarms]
      Namespace: AWS/SQS
      MetricName: ApproximateNumberOfMessagesVisible
      Dimensions: [{Name: QueueName, Value: !GetAtt Errors.QueueName}]
      Statistic: Maximum
      ComparisonOperator: GreaterThanThreshold
      Threshold: 0
      EvaluationPeriods: 1
      Period: 300
";

async fn news(cloud: &Cloud) -> (String, String, Value) {
    let message = cloud.next(&cloud.queue("inbox")).await;
    let body: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("AlarmName"), text("NewStateValue"), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_filter_counts_lines_and_its_alarm_tells_the_topic_and_tells_when_it_is_over() {
    let cloud = Cloud::start(&WATCHED.replace("&alarm", "")).await;
    let mut happened = cloud.activity.listen();
    for _ in 0..2 {
        cloud.invoke("f", "RequestResponse", &json!({ "signal": "forged" })).await;
        cloud.invoke("f", "RequestResponse", &json!({ "signal": "other" })).await;
    }
    let (name, state, body) = news(&cloud).await;
    assert_eq!((name.as_str(), state.as_str()), ("forged", "ALARM"));
    assert_eq!((&body["OldStateValue"], &body["Trigger"]["MetricName"]), (&json!("OK"), &json!("Forged")));
    assert!(body["NewStateReason"].as_str().unwrap().contains(">= 2 [2]"), "{body}");
    Cloud::happens(&mut happened, |what| matches!(what, What::Alarm { alarm, .. } if alarm == "forged")).await;
    cloud.clock.advance(Duration::from_secs(600)).unwrap();
    let (name, state, _) = news(&cloud).await;
    assert_eq!((name.as_str(), state.as_str()), ("forged", "OK"));
    let told = cloud.running.control().alarms.told();
    assert_eq!(serde_json::to_value(&told).unwrap()[0]["state"], "OK");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_fails_and_a_message_in_an_error_queue_are_told() {
    let cloud = Cloud::start(&WATCHED.replace("&alarm", "")).await;
    cloud.invoke("f", "RequestResponse", &json!({ "do": "fail" })).await;
    let (name, state, _) = news(&cloud).await;
    assert_eq!((name.as_str(), state.as_str()), ("failed", "ALARM"));
    cloud.sqs("SendMessage", json!({ "QueueUrl": cloud.queue("errors"), "MessageBody": "m" })).await;
    let (name, state, _) = news(&cloud).await;
    assert_eq!((name.as_str(), state.as_str()), ("errors", "ALARM"));
    cloud.running.stop().await;
}
