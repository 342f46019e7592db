//! What becomes of asynchronous events, as `AWS::Lambda::EventInvokeConfig` says.
//!
//! Sources: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::time::Duration;

use local_cloud::activity::What;
use serde_json::{Value, json};

use crate::cloud::Cloud;

/// A function whose ends are told: failures to a topic in front of the queue `told`, successes to the function `g`, whose own
/// successes go to `done`.
fn template(config: &str) -> String {
    format!(
        "
Resources:
  Told: {{Type: 'AWS::SQS::Queue', Properties: {{QueueName: told}}}}
  Done: {{Type: 'AWS::SQS::Queue', Properties: {{QueueName: done}}}}
  Topic: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: failed}}}}
  Sub:
    Type: AWS::SNS::Subscription
    Properties: {{TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Told.Arn, RawMessageDelivery: true}}
  F: {{Type: 'AWS::Lambda::Function', Metadata: {{Binary: probe}}, Properties: {{FunctionName: f}}}}
  G: {{Type: 'AWS::Lambda::Function', Metadata: {{Binary: probe}}, Properties: {{FunctionName: g}}}}
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref F
      Qualifier: $LATEST
      {config}
      DestinationConfig: {{OnSuccess: {{Destination: !GetAtt G.Arn}}, OnFailure: {{Destination: !Ref Topic}}}}
  Second:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref G
      Qualifier: $LATEST
      DestinationConfig: {{OnSuccess: {{Destination: !GetAtt Done.Arn}}}}
"
    )
}

fn record(message: &Value) -> Value {
    serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_to_know_gets_a_record_of_how_an_event_ended() {
    let cloud = Cloud::start(&template("MaximumRetryAttempts: 1")).await;
    let mut happened = cloud.activity.listen();
    let sent = cloud.invoke("f", "Event", &json!({ "do": "fail" })).await;
    Cloud::happens(&mut happened, |what| matches!(what, What::Again { seconds: 60, .. })).await;
    cloud.clock.advance(Duration::from_secs(60)).unwrap();
    let failed = record(&cloud.next(&cloud.queue("told")).await);
    assert!(failed["timestamp"].as_str().unwrap().ends_with('Z'), "{failed}");
    let expected = json!({
        "version": "1.0",
        "timestamp": failed["timestamp"],
        "requestContext": {
            "requestId": sent.header("x-amzn-requestid")[0],
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": { "do": "fail" },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "responsePayload": { "errorType": "Probe.Failed", "errorMessage": "as asked" },
    });
    assert_eq!(failed, expected);

    cloud.invoke("f", "Event", &json!({ "do": "answer", "answer": { "good": 1 } })).await;
    // The second function was invoked with the record of the first.
    let second = record(&cloud.next(&cloud.queue("done")).await);
    let first = &second["requestPayload"];
    assert_eq!(
        (&first["requestContext"]["condition"], &first["responsePayload"]),
        (&json!("Success"), &json!({ "good": 1 }))
    );
    assert_eq!(first["responseContext"], json!({ "statusCode": 200, "executedVersion": "$LATEST" }));
    assert_eq!(second["requestContext"]["condition"], "Success");
    assert_eq!(cloud.depth(&cloud.queue("told")).await, [0, 0, 0]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_would_get_too_old_by_waiting_is_given_up_as_such() {
    let cloud = Cloud::start(&template("MaximumEventAgeInSeconds: 90")).await;
    let mut happened = cloud.activity.listen();
    cloud.invoke("f", "Event", &json!({ "do": "fail" })).await;
    Cloud::happens(&mut happened, |what| matches!(what, What::Again { seconds: 60, .. })).await;
    cloud.clock.advance(Duration::from_secs(60)).unwrap();
    let context = record(&cloud.next(&cloud.queue("told")).await)["requestContext"].clone();
    let told = (&context["condition"], &context["approximateInvokeCount"]);
    assert_eq!(told, (&json!("EventAgeExceeded"), &json!(2)));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_does_not_take_is_refused() {
    for (right, wrong, why) in [
        ("MaximumRetryAttempts: 1", "MaximumRetryAttempts: 3", "its MaximumRetryAttempts is 3; AWS takes 0 to 2"),
        ("Qualifier: $LATEST", "Qualifier: live", "its Qualifier is \"live\"; only $LATEST is played here"),
        ("!Ref Topic}}", "!Sub 'arn:aws:s3:::bucket'}}", "only queues, topics and functions are played here"),
        ("!Ref Topic}}", "!Sub '${Topic}x'}}", "there is no OnFailure destination"),
    ] {
        let bad = template("MaximumRetryAttempts: 1").replacen(right, wrong, 1);
        let error = Cloud::try_start(&bad, None).await.err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(why)), "{error:?}");
    }
}
