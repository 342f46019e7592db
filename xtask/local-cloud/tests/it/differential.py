"""The same random calls of SQS and SNS by boto3 against two endpoints: ours, and an emulator of others.

    differential.py OURS THEIRS SEQUENCES SEED

Each call's answer is compared in a form that both must share: ids, handles, times and addresses are left out. A difference
ends its sequence. One that EXPLAINED knows is theirs, with the page of AWS's documentation that says so; any other is printed,
and the exit code is 1.
"""

import json
import random
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

ACCOUNT = "123456789012"
REGION = "us-east-1"

# What differs and why: whether it is this difference, whether the sequence can go on after it, and the page of AWS's
# documentation that says that ours is right.
EXPLAINED = [
    (
        lambda call, asked, ours, theirs: refused(ours)
        and refused(theirs)
        and ("43201" in json.dumps(asked) or len(asked.get("body", "")) > 1_048_576),
        True,
        "CommonErrors: both refuse a call with two mistakes; which of them is named is not documented",
    ),
    (
        lambda call, asked, ours, theirs: call == "publish" and not refused(ours) and "NonExistentQueue" in str(theirs),
        False,
        "sns-dead-letter-queues: an endpoint that is gone is an error of the delivery, not of Publish",
    ),
    (
        lambda call, asked, ours, theirs: call == "publish" and ours == {"id": True, "number": True} and theirs == {"id": True, "number": False},
        True,
        "API_Publish: a FIFO topic answers with SequenceNumber",
    ),
    (
        lambda call, asked, ours, theirs: call == "subscribe" and asked["queue"].endswith(".fifo") and refused(ours),
        False,
        "sns-fifo-topics: a standard topic cannot deliver to a FIFO queue",
    ),
    (
        lambda call, asked, ours, theirs: call == "create_queue" and "43201" in json.dumps(asked) and refused(ours),
        False,
        "API_CreateQueue: VisibilityTimeout is from 0 to 43,200 seconds",
    ),
    (
        lambda call, asked, ours, theirs: call == "change_visibility" and refused(ours) and not refused(theirs),
        False,
        "API_ChangeMessageVisibility, MessageNotInflight: only a message in flight can be hidden for longer",
    ),
    (
        lambda call, asked, ours, theirs: call == "delete" and asked["queue"].endswith(".fifo") and refused(ours),
        False,
        "FIFO-queues-exactly-once-processing: a handle ends with the visibility timeout of its receive",
    ),
    (
        lambda call, asked, ours, theirs: call == "subscribe" and refused(ours) and not refused(theirs) and asked["again"],
        False,
        "API_Subscribe: an endpoint is subscribed once, and not again with other attributes",
    ),
]


def refused(answer):
    return "error" in answer


class Side:
    """One endpoint, and what is known there by names that both sides share."""

    def __init__(self, endpoint):
        config = Config(retries={"max_attempts": 0}, read_timeout=30)
        client = lambda service: boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config)
        self.sqs, self.sns, self.endpoint = client("sqs"), client("sns"), endpoint
        self.urls, self.handles, self.subscriptions = {}, {}, {}

    def reset(self):
        import urllib.request

        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")).read()
        self.urls, self.handles, self.subscriptions = {}, {}, {}

    def url(self, queue):
        return self.urls.get(queue, f"{self.endpoint}/{ACCOUNT}/{queue}")

    def do(self, call, asked):
        try:
            return getattr(self, call)(**asked)
        except ClientError as error:
            return {"error": error.response["Error"]["Code"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        except ParamValidationError as error:
            return {"error": "ParamValidation", "what": str(error).splitlines()[-1]}

    def create_queue(self, queue, attributes):
        self.urls[queue] = self.sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
        return {"name": self.urls[queue].rsplit("/", 1)[1]}

    def delete_queue(self, queue):
        self.sqs.delete_queue(QueueUrl=self.url(queue))
        return {}

    def list_queues(self):
        return {"queues": sorted(url.rsplit("/", 1)[1] for url in self.sqs.list_queues().get("QueueUrls", []))}

    def counts(self, queue):
        kinds = ["", "NotVisible", "Delayed"]
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)["Attributes"]
        return {name: attributes[name] for name in names}

    def attributes(self, queue):
        names = ["VisibilityTimeout", "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "QueueArn"]
        names.append("ReceiveMessageWaitTimeSeconds")
        return self.sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)["Attributes"]

    def send(self, queue, body, message):
        sent = self.sqs.send_message(QueueUrl=self.url(queue), MessageBody=body, **message)
        return {key: sent.get(key) for key in ("MD5OfMessageBody", "MD5OfMessageAttributes")}

    def send_batch(self, queue, entries):
        sent = self.sqs.send_message_batch(QueueUrl=self.url(queue), Entries=entries)
        return {
            "sent": [(entry["Id"], entry["MD5OfMessageBody"]) for entry in sent.get("Successful", [])],
            "failed": [(entry["Id"], entry["Code"]) for entry in sent.get("Failed", [])],
        }

    def receive(self, queue, request):
        every = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
        messages = self.sqs.receive_message(QueueUrl=self.url(queue), **request, **every).get("Messages", [])
        seen = []
        for message in messages:
            body = message["Body"]
            try:
                # A notification has an id and a time of its own.
                envelope = json.loads(body)
                body = {key: envelope.get(key) for key in ("Type", "TopicArn", "Subject", "Message", "MessageAttributes")}
                name = envelope.get("Message", body)
            except ValueError:
                name = body
            except AttributeError:
                body, name = message["Body"], message["Body"]
            self.handles.setdefault((queue, str(name)), []).append(message["ReceiptHandle"])
            attributes = message["Attributes"]
            seen.append(
                {
                    "body": body,
                    "receives": attributes["ApproximateReceiveCount"],
                    "group": attributes.get("MessageGroupId"),
                    # A standard queue's messages have none (API_SendMessage), and moto's have, where a FIFO topic sent them.
                    "deduplication": attributes.get("MessageDeduplicationId") if queue.endswith(".fifo") else None,
                    "attributes": message.get("MessageAttributes"),
                    "md5": message.get("MD5OfMessageAttributes"),
                }
            )
        return {"messages": sorted(seen, key=lambda message: json.dumps(message, sort_keys=True))}

    def handle(self, queue, body, stale):
        handles = self.handles.get((queue, body), ["nothing"])
        return handles[0] if stale else handles[-1]

    def delete(self, queue, body, stale):
        self.sqs.delete_message(QueueUrl=self.url(queue), ReceiptHandle=self.handle(queue, body, stale))
        return {}

    def change_visibility(self, queue, body, seconds):
        handle = self.handle(queue, body, False)
        self.sqs.change_message_visibility(QueueUrl=self.url(queue), ReceiptHandle=handle, VisibilityTimeout=seconds)
        return {}

    def tag(self, queue, tags):
        self.sqs.tag_queue(QueueUrl=self.url(queue), Tags=tags)
        return self.sqs.list_queue_tags(QueueUrl=self.url(queue)).get("Tags")

    def create_topic(self, topic, attributes):
        return {"arn": self.sns.create_topic(Name=topic, Attributes=attributes)["TopicArn"]}

    def delete_topic(self, topic):
        self.sns.delete_topic(TopicArn=arn("sns", topic))
        return {}

    def subscribe(self, topic, queue, attributes, again):
        made = self.sns.subscribe(
            TopicArn=arn("sns", topic), Protocol="sqs", Endpoint=arn("sqs", queue), Attributes=attributes
        )
        self.subscriptions[(topic, queue)] = made["SubscriptionArn"]
        return {}

    def unsubscribe(self, topic, queue):
        self.sns.unsubscribe(SubscriptionArn=self.subscriptions.get((topic, queue), arn("sns", f"{topic}:none")))
        return {}

    def subscriptions_of(self, topic):
        listed = self.sns.list_subscriptions_by_topic(TopicArn=arn("sns", topic))["Subscriptions"]
        return {"endpoints": sorted(each["Endpoint"] for each in listed)}

    def publish(self, topic, message):
        published = self.sns.publish(TopicArn=arn("sns", topic), **message)
        return {"id": bool(published["MessageId"]), "number": bool(published.get("SequenceNumber"))}


def arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


class Calls:
    """Random calls; the same ones for both sides."""

    def __init__(self, seed):
        self.random, self.count, self.bodies, self.subscribed = random.Random(seed), 0, {}, set()

    def next(self):
        queue, topic = self.random.choice(["q1", "q2", "f.fifo", "gone"]), self.random.choice(["t1", "t.fifo", "none"])
        weights = {
            "create_queue": 5, "send": 14, "send_batch": 4, "receive": 14, "delete": 8, "change_visibility": 5, "counts": 6,
            "attributes": 2, "list_queues": 1, "delete_queue": 1, "tag": 1, "create_topic": 4, "subscribe": 5,
            "publish": 14, "unsubscribe": 1, "subscriptions_of": 2, "delete_topic": 1,
        }
        call = self.random.choices(list(weights), weights.values())[0]
        return call, getattr(self, "ask_" + call)(queue, topic)

    def body(self, queue):
        self.count += 1
        body = f"m{self.count}"
        self.bodies.setdefault(queue, []).append(body)
        return body

    def ask_create_queue(self, queue, _):
        name = "q1" if queue == "gone" else queue
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        if self.random.random() < 0.2:
            attributes["VisibilityTimeout"] = self.random.choice(["0", "30", "43200", "43201"])
        return {"queue": name, "attributes": attributes}

    def message(self, queue):
        message = {}
        if queue.endswith(".fifo"):
            if self.random.random() < 0.9:
                message["MessageGroupId"] = self.random.choice(["a", "b"])
            if self.random.random() < 0.9:
                message["MessageDeduplicationId"] = self.random.choice([str(self.count), "same"])
        if self.random.random() < 0.3:
            message["MessageAttributes"] = self.message_attributes()
        return message

    def message_attributes(self):
        return {
            "kind": {"DataType": "String", "StringValue": self.random.choice(["good", "bad"])},
            "price": {"DataType": "Number", "StringValue": self.random.choice(["1", "2.5", "100"])},
        }

    def ask_send(self, queue, _):
        body, message = self.body(queue), self.message(queue)
        if not queue.endswith(".fifo") and self.random.random() < 0.2:
            message["DelaySeconds"] = self.random.choice([0, 900, 901])
        return {"queue": queue, "body": self.random.choice([body] * 9 + ["x" * 1_048_577]), "message": message}

    def ask_send_batch(self, queue, _):
        entries = []
        for at in range(self.random.randint(1, 11)):
            body, message = self.body(queue), self.message(queue)
            entries.append({"Id": self.random.choice([str(at)] * 30 + ["0", "a b"]), "MessageBody": body, **message})
        return {"queue": queue, "entries": entries}

    def ask_receive(self, queue, _):
        request = {"MaxNumberOfMessages": self.random.choice([1, 3, 10, 10, 11])}
        if queue.endswith(".fifo"):
            # AWS promises no order among groups, so that only all of them can be compared.
            request = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 600}
        elif self.random.random() < 0.5:
            request["VisibilityTimeout"] = self.random.choice([0, 60, 600])
        return {"queue": queue, "request": request}

    def known(self, queue):
        return self.random.choice(self.bodies.get(queue, ["m0"])[-8:])

    def ask_delete(self, queue, _):
        return {"queue": queue, "body": self.known(queue), "stale": False}

    def ask_change_visibility(self, queue, _):
        return {"queue": queue, "body": self.known(queue), "seconds": self.random.choice([0, 60, 600, 43_201])}

    def ask_counts(self, queue, _):
        return {"queue": queue}

    ask_attributes = ask_delete_queue = ask_counts

    def ask_list_queues(self, queue, _):
        return {}

    def ask_tag(self, queue, _):
        return {"queue": queue, "tags": {self.random.choice(["a", "b"]): "1"}}

    def ask_create_topic(self, _, topic):
        name = "t1" if topic == "none" else topic
        return {"topic": name, "attributes": {"FifoTopic": "true"} if name.endswith(".fifo") else {}}

    def ask_delete_topic(self, _, topic):
        return {"topic": topic}

    ask_subscriptions_of = ask_delete_topic

    def ask_subscribe(self, queue, topic):
        attributes = {}
        if self.random.random() < 0.5:
            attributes["RawMessageDelivery"] = "true"
        if self.random.random() < 0.5:
            policy = self.random.choice(
                [
                    {"kind": ["good"]},
                    {"kind": [{"anything-but": ["bad"]}]},
                    {"kind": [{"prefix": "go"}], "price": [{"numeric": [">=", 2, "<", 50]}]},
                    {"price": [1, 100]},
                    {"kind": [{"exists": False}]},
                    {"$or": [{"kind": ["good"]}, {"price": [2.5]}]},
                ]
            )
            attributes["FilterPolicy"] = json.dumps(policy)
        again = (topic, queue) in self.subscribed
        self.subscribed.add((topic, queue))
        return {"topic": topic, "queue": queue, "attributes": attributes, "again": again}

    def ask_unsubscribe(self, queue, topic):
        return {"topic": topic, "queue": queue}

    def ask_publish(self, queue, topic):
        message = {"Message": self.body(queue)}
        if self.random.random() < 0.2:
            message["Subject"] = "subject"
        if self.random.random() < 0.6:
            message["MessageAttributes"] = self.message_attributes()
        if topic.endswith(".fifo"):
            message["MessageGroupId"] = self.random.choice(["a", "b"])
            # moto's topics know no repeats; tests/it/messaging.rs looks at ours.
            message["MessageDeduplicationId"] = message["Message"]
        return {"topic": topic, "message": message}


def main():
    ours, theirs = Side(sys.argv[1]), Side(sys.argv[2])
    sequences, seed = int(sys.argv[3]), int(sys.argv[4])
    calls, explained, unexplained = 0, {}, 0
    for sequence in range(sequences):
        ours.reset(), theirs.reset()
        source = Calls(f"{seed}/{sequence}")
        for _ in range(60):
            call, asked = source.next()
            a, b = ours.do(call, asked), theirs.do(call, asked)
            calls += 1
            if a == b:
                continue
            found = next(((on, page) for fits, on, page in EXPLAINED if fits(call, asked, a, b)), None)
            if found is None:
                unexplained += 1
                shown = json.dumps({"sequence": sequence, "call": call, "asked": asked, "ours": a, "theirs": b})
                print(shown if len(shown) < 2000 else shown[:2000])
                break
            goes_on, why = found
            explained[why] = explained.get(why, 0) + 1
            if not goes_on:
                break
    for why, times in explained.items():
        print(f"explained {times} times: {why}")
    print(f"{sequences} sequences, {calls} calls, {sum(explained.values())} differences explained, {unexplained} not")
    sys.exit(1 if unexplained else 0)


main()
