//! Alarms, and the metrics that they watch.

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    topics::TOPIC,
};
use crate::check::context::Facts;
use cfn::graph;
use cfn::view::{
    Field, ResourceView, items,
    text::{Piece, Text},
};

const ALARM: &str = "AWS::CloudWatch::Alarm";
const METRIC_FILTER: &str = "AWS::Logs::MetricFilter";
const FUNCTION: &str = "AWS::Lambda::Function";

/// Types that no alarm can notify, whatever is taken of them.
const DEAF: [&str; 9] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Subscription",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
];

/// Where an alarm's actions stand.
const ACTIONS: [&str; 3] = ["AlarmActions", "OKActions", "InsufficientDataActions"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ALM-1",
        severity: Warning,
        title: "an alarm tells somebody",
        why: "an alarm without an action turns red where nobody looks",
        mend: "set AlarmActions to a topic's ARN, and ActionsEnabled to nothing or true",
        find: no_action,
    },
    Rule {
        id: "ALM-2",
        severity: Error,
        title: "an alarm's action is something that alarms can do",
        why: "CloudWatch refuses ARNs of other things, or fails each time it rings",
        mend: "use a topic's ARN: its Ref",
        find: wrong_action,
    },
    Rule {
        id: "ALM-3",
        severity: Error,
        title: "CloudWatch can publish to an alarm's topic",
        why: "the key policy of alias/aws/sns cannot be edited to let cloudwatch.amazonaws.com use it",
        mend: "encrypt the topic with a key of your own whose policy lets cloudwatch.amazonaws.com use it",
        find: unreachable_topic,
    },
    Rule {
        id: "ALM-4",
        severity: Warning,
        title: "an alarm's metric exists",
        why: "a metric that nobody writes never passes a threshold",
        mend: "correct the name or the namespace",
        find: unknown_metric,
    },
    Rule {
        id: "ALM-5",
        severity: Warning,
        title: "what is counted from a log has an alarm",
        why: "a number that nobody watches tells nobody anything",
        mend: "add an alarm on the metric, or remove the filter",
        find: unwatched_metric,
    },
    Rule {
        id: "ALM-6",
        severity: Error,
        title: "an alarm's period is one that CloudWatch takes",
        why: "CloudWatch refuses periods other than 10, 20, 30 and multiples of 60 seconds, and alarms that look at more than \
              a day of periods below an hour, or seven days of longer ones",
        mend: "choose another Period or fewer EvaluationPeriods",
        find: period,
    },
    Rule {
        id: "ALM-7",
        severity: Error,
        title: "an alarm has one statistic",
        why: "CloudWatch refuses an alarm on a metric with both Statistic and ExtendedStatistic, or with neither",
        mend: "keep one of them",
        find: statistic,
    },
];

fn no_action(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for alarm in facts.all(ALARM) {
        if alarm.truth_or("ActionsEnabled", true) == Some(false) {
            faults.push(Fault::new(alarm.at("ActionsEnabled"), "the alarm's actions are switched off"));
            continue;
        }
        let silent = |place: &str| match alarm.field(place) {
            Field::Absent => true,
            Field::Is(value) => value.as_array().is_some_and(Vec::is_empty),
            Field::Unknown => false,
        };
        // One that only tells when it is over tells nobody that it began. Missing data may be what it is about.
        let silent = silent("AlarmActions") && silent("InsufficientDataActions");
        // What refers to the alarm (a composite alarm, a deployment) acts in its place.
        if silent && !is_referred_to(facts, alarm) {
            faults.push(Fault::new(alarm.path(), "the alarm tells nobody when it rings"));
        }
    }
    faults
}

fn is_referred_to(facts: &Facts<'_>, thing: ResourceView<'_>) -> bool {
    let mut values = facts.resources().flat_map(|other| other.resource.properties.values());
    let by_function = values.any(|value| graph::names(value).contains(&thing.id.as_str()));
    by_function || facts.may_grow() || facts.all("AWS::CloudWatch::CompositeAlarm").next().is_some()
}

fn actions<'a>(alarm: ResourceView<'a>) -> Vec<(cfn::Path, &'a serde_json::Value)> {
    let lists = ACTIONS.iter().filter_map(|place| Some(items(alarm.field(place).value()?, &alarm.at(place))));
    lists.flatten().collect()
}

fn wrong_action(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, action) in facts.all(ALARM).flat_map(actions) {
        faults.extend(action_fault(facts, &Text::of(action)).map(|said| Fault::new(path, said)));
    }
    faults
}

/// Why an alarm cannot do something, if it certainly cannot.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
fn action_fault(facts: &Facts<'_>, action: &Text) -> Option<String> {
    match action.only() {
        Some(Piece::Ref(id) | Piece::Attribute(id, _)) => {
            let kind = facts.resource(id)?.resource.kind.as_str();
            match (kind, action.only()?) {
                (kind, _) if DEAF.contains(&kind) => {
                    Some(format!("{id} is of type {kind}, which alarms cannot notify"))
                }
                (FUNCTION, Piece::Ref(_)) => Some(format!("Ref of {id} is a name, not an ARN")),
                (TOPIC, Piece::Attribute(_, name)) if name == "TopicName" => {
                    Some(format!("{id}.TopicName is not an ARN"))
                }
                _ => None,
            }
        }
        Some(Piece::Literal(text)) if !text.starts_with("arn:") => Some(format!("{text} is no ARN")),
        _ => {
            let [_, _, service, ..] = action.arn()?;
            let service = service.literal()?.to_owned();
            let cannot = ["sqs", "logs", "s3", "iam", "kms", "secretsmanager", "execute-api", "dynamodb"];
            cannot.contains(&service.as_str()).then(|| format!("alarms cannot notify {service}"))
        }
    }
}

fn unreachable_topic(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for (_, action) in facts.all(ALARM).flat_map(actions) {
        let Some(topic) = facts.target(action, TOPIC) else { continue };
        let Some(key) = topic.text("KmsMasterKeyId").map(|key| key.shown()) else { continue };
        let path = topic.at("KmsMasterKeyId");
        if key.ends_with("alias/aws/sns") && faults.iter().all(|fault| fault.path != path) {
            faults
                .push(Fault::new(path, format!("alarms publish to {}, and CloudWatch may not use its key", topic.id)));
        }
    }
    faults
}

/// The metrics of the services that this crate has constructs for.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>,
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
fn metrics_of(namespace: &str) -> Option<&'static [&'static str]> {
    match namespace {
        "AWS/SQS" => Some(&[
            "ApproximateAgeOfOldestMessage",
            "ApproximateAgeOfOldestMessageInQuietGroups",
            "ApproximateNumberOfGroupsWithInflightMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesDelayedInQuietGroups",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesNotVisibleInQuietGroups",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesVisibleInQuietGroups",
            "ApproximateNumberOfNoisyGroups",
            "NumberOfDeduplicatedSentMessages",
            "NumberOfEmptyReceives",
            "NumberOfMessagesDeleted",
            "NumberOfMessagesReceived",
            "NumberOfMessagesSent",
            "SentMessageSize",
        ]),
        "AWS/SNS" => Some(&[
            "NumberOfMessagesPublished",
            "NumberOfNotificationsDelivered",
            "NumberOfNotificationsFailed",
            "NumberOfNotificationsFailedToRedriveToDlq",
            "NumberOfNotificationsFilteredOut",
            "NumberOfNotificationsFilteredOut-InvalidAttributes",
            "NumberOfNotificationsFilteredOut-InvalidMessageBody",
            "NumberOfNotificationsFilteredOut-MessageAttributes",
            "NumberOfNotificationsFilteredOut-MessageBody",
            "NumberOfNotificationsFilteredOut-NoMessageAttributes",
            "NumberOfNotificationsRedrivenToDlq",
            "PublishSize",
            "SMSMonthToDateSpentUSD",
            "SMSSuccessRate",
        ]),
        "AWS/ApiGateway" => Some(&[
            "4XXError",
            "4xx",
            "5XXError",
            "5xx",
            "CacheHitCount",
            "CacheMissCount",
            "ClientError",
            "ConnectCount",
            "Count",
            "DataProcessed",
            "ExecutionError",
            "IntegrationError",
            "IntegrationLatency",
            "Latency",
            "MessageCount",
        ]),
        _ => None,
    }
}

/// Metrics of Lambda. It gets new ones often, so that names of its newer families pass as well.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
const LAMBDA: [&str; 20] = [
    "AsyncEventAge",
    "AsyncEventsDropped",
    "AsyncEventsReceived",
    "ClaimedAccountConcurrency",
    "ConcurrentExecutions",
    "DeadLetterErrors",
    "DestinationDeliveryFailures",
    "Duration",
    "Errors",
    "Invocations",
    "IteratorAge",
    "OffsetLag",
    "PostRuntimeExtensionsDuration",
    "ProvisionedConcurrencyInvocations",
    "ProvisionedConcurrencySpilloverInvocations",
    "ProvisionedConcurrentExecutions",
    "RecursiveInvocationsDropped",
    "SignatureValidationErrors",
    "Throttles",
    "UnreservedConcurrentExecutions",
];
const LAMBDA_FAMILIES: [&str; 6] = ["Count", "Durable", "ExecutionEnvironment", "Init", "Poller", "Utilization"];

fn unknown_metric(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for alarm in facts.all(ALARM) {
        let (Some(namespace), Some(name)) = (alarm.literal("Namespace"), alarm.literal("MetricName")) else { continue };
        let unknown = match metrics_of(&namespace) {
            Some(metrics) => !metrics.contains(&name.as_str()),
            None if namespace == "AWS/Lambda" => {
                !LAMBDA.contains(&name.as_str()) && !LAMBDA_FAMILIES.iter().any(|family| name.contains(family))
            }
            None => false,
        };
        if unknown {
            faults.push(Fault::new(alarm.at("MetricName"), format!("{namespace} has no metric {name}")));
        }
    }
    faults
}

fn unwatched_metric(facts: &Facts<'_>) -> Vec<Fault> {
    if facts.may_grow() {
        return Vec::new();
    }
    let watched: Vec<(Text, Text)> = facts.all(ALARM).flat_map(metrics).collect();
    let mut faults = Vec::new();
    for filter in facts.all(METRIC_FILTER) {
        let Some(transformations) = filter.field("MetricTransformations").value() else { continue };
        for (path, one) in items(transformations, &filter.at("MetricTransformations")) {
            let text = |name: &str| Field::of(one).member(name).value().map(Text::of);
            let (Some(namespace), Some(name)) = (text("MetricNamespace"), text("MetricName")) else { continue };
            if !facts.knows(&namespace) || !facts.knows(&name) {
                continue;
            }
            let is = |(its_namespace, its_name): &(Text, Text)| {
                (its_namespace.same(&namespace) || !facts.knows(its_namespace))
                    && (its_name.same(&name) || !facts.knows(its_name))
            };
            if !watched.iter().any(is) {
                faults.push(Fault::new(path, format!("nobody watches {} of {}", name.shown(), namespace.shown())));
            }
        }
    }
    faults
}

/// The metrics that an alarm looks at, by namespace and name.
fn metrics(alarm: ResourceView<'_>) -> Vec<(Text, Text)> {
    let own = text_of(alarm.field("Namespace")).zip(text_of(alarm.field("MetricName")));
    let queries = alarm.list("Metrics").into_iter().filter_map(|query| {
        let metric = Field::of(query).member("MetricStat").member("Metric");
        text_of(metric.member("Namespace")).zip(text_of(metric.member("MetricName")))
    });
    own.into_iter().chain(queries).collect()
}

/// A text, of which nothing may be known.
fn text_of(field: Field<'_>) -> Option<Text> {
    match field {
        Field::Absent => None,
        Field::Is(value) => Some(Text::of(value)),
        Field::Unknown => Some(Text::unknown()),
    }
}

fn period(facts: &Facts<'_>) -> Vec<Fault> {
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 24.0 * HOUR;
    let mut faults = Vec::new();
    for alarm in facts.all(ALARM) {
        let Some(period) = alarm.number("Period") else { continue };
        if ![10.0, 20.0, 30.0].contains(&period) && (period < 60.0 || period % 60.0 != 0.0) {
            faults.push(Fault::new(alarm.at("Period"), format!("{period} s is no period")));
            continue;
        }
        let Some(periods) = alarm.number("EvaluationPeriods") else { continue };
        let (most, words) = if period < HOUR { (DAY, "a day") } else { (7.0 * DAY, "seven days") };
        if period * periods > most {
            let message = format!("{periods} periods of {period} s are more than {words}");
            faults.push(Fault::new(alarm.at("EvaluationPeriods"), message));
        }
    }
    faults
}

fn statistic(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for alarm in facts.all(ALARM).filter(|alarm| alarm.has("MetricName")) {
        if alarm.has("Statistic") && alarm.has("ExtendedStatistic") {
            faults
                .push(Fault::new(alarm.path().key("Properties"), "the alarm has both Statistic and ExtendedStatistic"));
        } else if alarm.is_absent("Statistic") && alarm.is_absent("ExtendedStatistic") {
            faults.push(Fault::new(alarm.path().key("Properties"), "the alarm has no statistic"));
        }
    }
    faults
}
