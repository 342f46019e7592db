//! Metric filters and alarms.

use serde_json::{Value as Json, json};

use super::{LogGroup, Topic};
use crate::{Handle, Kind, Stack, Value};

/// A metric that is counted from a log.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-metricfilter.html>
pub struct MetricFilter<'a> {
    /// The log that is read.
    pub log: &'a Handle<LogGroup>,
    /// Which lines count.
    pub pattern: String,
    /// What they count towards.
    pub metric: Metric,
}

impl Kind for MetricFilter<'_> {
    const TYPE: &'static str = "AWS::Logs::MetricFilter";
}

/// A metric of CloudWatch.
#[derive(Clone)]
pub struct Metric {
    /// Such as `AWS/SQS`.
    pub namespace: String,
    /// Such as `ApproximateAgeOfOldestMessage`.
    pub name: String,
    /// Whose metric it is.
    pub source: Source,
}

/// Whose metric it is.
#[derive(Clone)]
pub enum Source {
    /// Everybody's in the namespace.
    All,
    /// That of one thing, as `QueueName` and the queue's name.
    One(&'static str, Value<String>),
}

/// An alarm: a metric passed its threshold.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html>
pub struct Alarm<'a> {
    /// Its name in the account.
    pub name: String,
    /// What it means and what to do, for whoever it wakes.
    pub description: String,
    /// What is watched.
    pub metric: Metric,
    /// `Sum`, `Maximum`, `Average`, ...
    pub statistic: &'static str,
    /// When it rings.
    pub rings: Comparison,
    /// How many periods of five minutes in a row the metric must be past it.
    pub periods: u32,
    /// Whom it tells, both when it rings and when it is over.
    pub tells: &'a Handle<Topic>,
}

/// How a metric passes its threshold.
#[derive(Clone, Copy)]
pub enum Comparison {
    /// At this value or above.
    AtLeast(u32),
    /// Above this value.
    Above(u32),
}

impl Kind for Alarm<'_> {
    const TYPE: &'static str = "AWS::CloudWatch::Alarm";
}

impl Metric {
    fn dimensions(&self) -> Option<Json> {
        match &self.source {
            Source::All => None,
            Source::One(name, value) => Some(json!([{ "Name": name, "Value": value }])),
        }
    }
}

impl Stack {
    /// Counts lines of a log: each one that fits adds one, and there is a zero where none does.
    pub fn metric_filter(&mut self, id: &str, filter: &MetricFilter<'_>) {
        self.add::<MetricFilter<'_>>(
            id,
            json!({
                "LogGroupName": filter.log.name(),
                "FilterPattern": filter.pattern,
                "MetricTransformations": [{
                    "MetricNamespace": filter.metric.namespace,
                    "MetricName": filter.metric.name,
                    "MetricValue": "1",
                    "DefaultValue": 0,
                }],
            }),
        );
    }

    /// Adds an alarm. No data means that nothing happened, and that is no alarm.
    pub fn alarm(&mut self, id: &str, alarm: &Alarm<'_>) {
        let (operator, threshold) = match alarm.rings {
            Comparison::AtLeast(value) => ("GreaterThanOrEqualToThreshold", value),
            Comparison::Above(value) => ("GreaterThanThreshold", value),
        };
        self.add::<Alarm<'_>>(
            id,
            json!({
                "AlarmName": alarm.name,
                "AlarmDescription": alarm.description,
                "Namespace": alarm.metric.namespace,
                "MetricName": alarm.metric.name,
                "Dimensions": alarm.metric.dimensions(),
                "Statistic": alarm.statistic,
                "Period": 300,
                "EvaluationPeriods": alarm.periods,
                "ComparisonOperator": operator,
                "Threshold": threshold,
                "TreatMissingData": "notBreaching",
                "AlarmActions": [alarm.tells.arn()],
                "OKActions": [alarm.tells.arn()],
            }),
        );
    }
}
