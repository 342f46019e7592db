//! Where the metrics of the services themselves come from: what happens, and what lies in queues.
//!
//! Sources: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html>

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
};

use crate::{
    activity::{Activity, What},
    clock::Moment,
    metrics::{MetricId, Metrics},
    sqs::Sqs,
};

/// Counts what happens until the task is aborted.
pub(super) fn follow(mut happens: Receiver<Arc<Activity>>, metrics: Metrics) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match happens.recv().await {
                Ok(activity) => count(&metrics, &activity),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    })
}

fn count(metrics: &Metrics, activity: &Activity) {
    let took = activity.took.unwrap_or_default().as_secs_f64() * 1000.0;
    let one = |holds: bool| if holds { 1.0 } else { 0.0 };
    match &activity.what {
        What::Invoked { function, error, .. } => {
            let count = |name, value| metrics.count("AWS/Lambda", name, ("FunctionName", function), value);
            count("Invocations", 1.0);
            count("Duration", took);
            count("Errors", one(error.is_some()));
        }
        What::Throttled { function } => metrics.count("AWS/Lambda", "Throttles", ("FunctionName", function), 1.0),
        What::Published { topic, .. } => {
            metrics.count("AWS/SNS", "NumberOfMessagesPublished", ("TopicName", topic), 1.0);
        }
        // Each try of an endpoint counts, also where a later one succeeds.
        What::Undelivered { topic } | What::Notified { topic, failed: true, confirmation: false, .. } => {
            metrics.count("AWS/SNS", "NumberOfNotificationsFailed", ("TopicName", topic), 1.0);
        }
        What::Sent { queue, .. } => metrics.count("AWS/SQS", "NumberOfMessagesSent", ("QueueName", queue), 1.0),
        // A dead letter is not counted as sent; it wakes those who watch the queue.
        What::DeadLettered { to, .. } => metrics.count("AWS/SQS", "DeadLetters", ("QueueName", to), 1.0),
        What::Request { api, status, .. } => {
            let count = |name, value| metrics.count("AWS/ApiGateway", name, ("ApiId", api), value);
            count("Count", 1.0);
            count("Latency", took);
            count("4xx", one((400..500).contains(status)));
            count("5xx", one(*status >= 500));
        }
        _ => {}
    }
}

/// Measures what a queue holds now, where that is what a metric is about.
#[expect(clippy::cast_precision_loss, reason = "nobody counts beyond 2^52 here")]
pub(super) fn measure(sqs: &Sqs, metrics: &Metrics, metric: &MetricId, now: Moment) {
    let name = metric.dimensions.get("QueueName").filter(|_| metric.namespace == "AWS/SQS");
    let Some(queue) = name.and_then(|name| sqs.by_name(name)) else { return };
    let value = match metric.name.as_str() {
        "ApproximateNumberOfMessagesVisible" => queue.counts().visible as f64,
        "ApproximateNumberOfMessagesNotVisible" => queue.counts().in_flight as f64,
        "ApproximateNumberOfMessagesDelayed" => queue.counts().delayed as f64,
        "ApproximateAgeOfOldestMessage" => {
            let oldest = queue.oldest().map(|sent| now.saturating_sub(sent));
            oldest.unwrap_or(Duration::ZERO).as_secs_f64().floor()
        }
        _ => return,
    };
    metrics.measured(metric, value);
}
