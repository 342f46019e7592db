"""What an AWS account holds, asked service by service: never what CloudFormation says that it holds.

    inventory.py ENDPOINT ACCOUNT                    prints it as JSON
    inventory.py ENDPOINT ACCOUNT zone NAME          makes a hosted zone, prints its id
    inventory.py ENDPOINT ACCOUNT domain NAME        takes a custom domain, as somebody else would
    inventory.py ENDPOINT ACCOUNT secret NAME TEXT   gives a secret its value
    inventory.py ENDPOINT ACCOUNT arns VARIABLE      makes of a secret's name in the functions' variable its ARN
    inventory.py ENDPOINT ACCOUNT next QUEUE         waits for a queue's next message and prints it
    inventory.py ENDPOINT ACCOUNT change-sets STACK  prints the names of a stack's change sets
    inventory.py ENDPOINT ACCOUNT plant BUCKET KEY   writes other bytes than a zip's below its key
    inventory.py ENDPOINT ACCOUNT subscribe TOPIC    makes a queue that gets what the topic gets, prints its address
"""

import json
import sys

import boto3

ENDPOINT, ACCOUNT, *REST = sys.argv[1:]
REGION = "eu-west-1"
SESSION = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="any", region_name=REGION)


def client(service):
    return SESSION.client(service, endpoint_url=ENDPOINT)


def pages(service, action, key, **options):
    return [item for page in client(service).get_paginator(action).paginate(**options) for item in page.get(key, [])]


def queues():
    sqs = client("sqs")
    for url in pages("sqs", "list_queues", "QueueUrls"):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        yield url.rsplit("/", 1)[1], attributes


def functions():
    for function in pages("lambda", "list_functions", "Functions"):
        environment = function.get("Environment", {}).get("Variables", {})
        yield function["FunctionName"], {
            "code": function["CodeSha256"],
            "runtime": function["Runtime"],
            "architectures": function["Architectures"],
            "memory": function["MemorySize"],
            "timeout": function["Timeout"],
            "environment": environment,
        }


def apis():
    api = client("apigatewayv2")
    for one in api.get_apis()["Items"]:
        routes = api.get_routes(ApiId=one["ApiId"])["Items"]
        stages = api.get_stages(ApiId=one["ApiId"])["Items"]
        yield one["Name"], {
            "routes": sorted(route["RouteKey"] for route in routes),
            "stages": [stage["StageName"] for stage in stages],
        }


def records():
    route53 = client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if "AliasTarget" in record:
                yield f"{record['Name'].rstrip('.')} {record['Type']}"


def bucket(name):
    s3 = client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=name).get("Contents", [])]
    return {
        "keys": sorted(keys),
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "public_access": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
        "encrypted": bool(s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]),
        "policy": json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]),
    }


def inventory():
    topics = [topic["TopicArn"] for topic in pages("sns", "list_topics", "Topics")]
    subscriptions = pages("sns", "list_subscriptions", "Subscriptions")
    mappings = pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    keys = [key["KeyId"] for key in pages("kms", "list_keys", "Keys")]
    return {
        "queues": dict(queues()),
        "topics": sorted(topic.rsplit(":", 1)[1] for topic in topics),
        "subscriptions": sorted(
            f"{one['TopicArn'].rsplit(':', 1)[1]} -> {one['Endpoint'].rsplit(':', 1)[1]}" for one in subscriptions
        ),
        "functions": dict(functions()),
        "sources": sorted(
            f"{one['EventSourceArn'].rsplit(':', 1)[1]} -> {one['FunctionArn'].rsplit(':', 1)[1]}" for one in mappings
        ),
        "logs": {log["logGroupName"]: log.get("retentionInDays") for log in pages("logs", "describe_log_groups", "logGroups")},
        "alarms": sorted(alarm["AlarmName"] for alarm in pages("cloudwatch", "describe_alarms", "MetricAlarms")),
        "secrets": sorted(secret["Name"] for secret in pages("secretsmanager", "list_secrets", "SecretList")),
        "roles": sorted(role["RoleName"] for role in pages("iam", "list_roles", "Roles")),
        "keys": [key for key in keys if client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"],
        "apis": dict(apis()),
        "domains": sorted(one["DomainName"] for one in client("apigatewayv2").get_domain_names().get("Items", [])),
        "records": sorted(records()),
        "buckets": {one["Name"]: bucket(one["Name"]) for one in client("s3").list_buckets()["Buckets"]},
    }


def zone(name):
    created = client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return created["HostedZone"]["Id"].rsplit("/", 1)[1]


def domain(name):
    client("apigatewayv2").create_domain_name(DomainName=name)
    return name


def secret(name, text):
    return client("secretsmanager").put_secret_value(SecretId=name, SecretString=text)["Name"]


def arns(variable):
    lambdas = client("lambda")
    for function in pages("lambda", "list_functions", "Functions"):
        variables = function.get("Environment", {}).get("Variables", {})
        if variable in variables:
            arn = client("secretsmanager").describe_secret(SecretId=variables[variable])["ARN"]
            changed = {"Variables": {**variables, variable: arn}}
            lambdas.update_function_configuration(FunctionName=function["FunctionName"], Environment=changed)
    return variable


def subscribe(topic):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


def plant(bucket, key):
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"planted", ChecksumAlgorithm="SHA256")
    return key


def change_sets(stack):
    return [one["ChangeSetName"] for one in pages("cloudformation", "list_change_sets", "Summaries", StackName=stack)]


def next_of(url):
    sqs = client("sqs")
    for _ in range(15):
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=1)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])
    sys.exit(f"nothing came to {url}")


ACTIONS = {
    "zone": zone,
    "domain": domain,
    "secret": secret,
    "arns": arns,
    "change-sets": change_sets,
    "plant": plant,
    "subscribe": subscribe,
    "next": next_of,
}
print(json.dumps(ACTIONS[REST[0]](*REST[1:]) if REST else inventory(), sort_keys=True))
