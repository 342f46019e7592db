"""Subscribes a queue to the topic `finished` and prints each message that comes, a line of JSON each."""

import json
import signal
import sys

import boto3

options = dict(
    endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="any", aws_secret_access_key="any"
)
sns, sqs = boto3.client("sns", **options), boto3.client("sqs", **options)
topic = next(topic["TopicArn"] for topic in sns.list_topics()["Topics"] if topic["TopicArn"].endswith("-finished"))
queue = sqs.create_queue(QueueName="read-by-boto3")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
print("subscribed", flush=True)
while True:
    # A message that does not come in time ends this program, and with it the test that waits.
    signal.alarm(300)
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MessageAttributeNames=["All"])
    for message in received.get("Messages", []):
        attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        print(json.dumps({"body": json.loads(message["Body"]), "attributes": attributes}), flush=True)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
