//! Metric filters and alarms.

use super::{Construct, LogGroup, Topic};
use crate::{
    Handle, Stack, Value,
    resources::{
        cloudwatch::{self, alarm as l1},
        logs::{self, metric_filter::MetricTransformation},
    },
    union::AlarmAction,
};

/// A metric that is counted from a log.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-metricfilter.html>
pub struct MetricFilter<'a> {
    /// The log that is read.
    pub log: &'a Handle<LogGroup>,
    /// Which lines count.
    pub pattern: String,
    /// What they count towards.
    pub metric: Metric,
    /// What each of them adds.
    pub adds: Adds,
}

/// What a line of a log adds to a metric.
pub enum Adds {
    /// One: lines are counted.
    One,
    /// What the line's JSON has in this field, such as `$.age_seconds`.
    Field(String),
}

impl Construct for MetricFilter<'_> {
    type Resource = logs::MetricFilter;
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
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html>
pub struct Alarm<'a> {
    /// Its name in the account.
    pub name: String,
    /// What it means and what to do, for whoever it wakes.
    pub description: String,
    /// What is watched.
    pub metric: Metric,
    /// How the metric's values in a period become one.
    pub statistic: Statistic,
    /// When it rings.
    pub rings: Comparison,
    /// How long a period is, in seconds: 10, 30, or a multiple of 60.
    pub period_seconds: u32,
    /// How many periods in a row the metric must be past it.
    pub periods: u32,
    /// What a period without data means.
    pub missing: Missing,
    /// Whom it tells, both when it rings and when it is over.
    pub tells: &'a Handle<Topic>,
}

/// How the values of a period become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// All of them together.
    Sum,
    /// The greatest.
    Maximum,
    /// The least.
    Minimum,
    /// Their mean.
    Average,
    /// The number of values.
    SampleCount,
    /// The value that this many of a hundred do not exceed.
    Percentile(u8),
}

/// How a metric passes its threshold.
#[derive(Clone, Copy)]
pub enum Comparison {
    /// At this value or above.
    AtLeast(u32),
    /// Above this value.
    Above(u32),
    /// Below this value.
    Below(u32),
}

/// What a period without data means.
#[derive(Clone, Copy)]
pub enum Missing {
    /// Nothing happened.
    Fine,
    /// Something that should always report does not.
    Alarming,
}

impl Construct for Alarm<'_> {
    type Resource = cloudwatch::Alarm;
}

impl<'a> Alarm<'a> {
    /// An alarm that rings after one period.
    #[must_use]
    pub fn new(name: String, description: String, metric: Metric, rings: Comparison, tells: &'a Handle<Topic>) -> Self {
        Self {
            name,
            description,
            metric,
            statistic: Statistic::Sum,
            rings,
            // What SQS reports comes every minute at the soonest, and late: five minutes do not ring for a late value.
            period_seconds: 300,
            periods: 1,
            // Most metrics here are counts, which AWS does not report where there is nothing to count.
            missing: Missing::Fine,
            tells,
        }
    }
}

impl Statistic {
    /// Its name in a dashboard, and in an alarm on a percentile.
    pub(super) fn as_text(self) -> String {
        match self {
            Self::Percentile(of_hundred) => format!("p{of_hundred}"),
            other => format!("{other:?}"),
        }
    }

    fn named(self) -> Option<l1::Statistic> {
        match self {
            Self::Sum => Some(l1::Statistic::Sum),
            Self::Maximum => Some(l1::Statistic::Maximum),
            Self::Minimum => Some(l1::Statistic::Minimum),
            Self::Average => Some(l1::Statistic::Average),
            Self::SampleCount => Some(l1::Statistic::SampleCount),
            Self::Percentile(_) => None,
        }
    }
}

impl Stack {
    /// Counts lines of a log: each one that fits adds one.
    #[track_caller]
    pub fn metric_filter(&mut self, id: &str, filter: &MetricFilter<'_>) -> Handle<MetricFilter<'static>> {
        let metric = &filter.metric;
        let (value, default_value) = match &filter.adds {
            // A zero where none fits, so that the metric is there before the first of them.
            Adds::One => ("1".into(), Some(0.into())),
            Adds::Field(field) => (field.clone().into(), None),
        };
        let transformation = MetricTransformation {
            default_value,
            ..MetricTransformation::new(metric.name.clone().into(), metric.namespace.clone().into(), value)
        };
        let filter = logs::MetricFilter::new(filter.pattern.clone().into(), filter.log.name(), [transformation].into());
        self.add(id, filter).seen_as()
    }

    /// Adds an alarm.
    #[track_caller]
    pub fn alarm(&mut self, id: &str, alarm: &Alarm<'_>) -> Handle<Alarm<'static>> {
        let (operator, threshold) = match alarm.rings {
            Comparison::AtLeast(value) => (l1::ComparisonOperator::GreaterThanOrEqualToThreshold, value),
            Comparison::Above(value) => (l1::ComparisonOperator::GreaterThanThreshold, value),
            Comparison::Below(value) => (l1::ComparisonOperator::LessThanThreshold, value),
        };
        let missing = match alarm.missing {
            Missing::Fine => l1::TreatMissingData::NotBreaching,
            Missing::Alarming => l1::TreatMissingData::Breaching,
        };
        let dimensions = match &alarm.metric.source {
            Source::All => None,
            Source::One(name, value) => Some([l1::Dimension { name: (*name).into(), value: value.clone() }].into()),
        };
        let statistic = alarm.statistic.named();
        let percentile = statistic.is_none().then(|| alarm.statistic.as_text().into());
        let tells: Value<AlarmAction> = alarm.tells.arn().into();
        let properties = cloudwatch::Alarm {
            alarm_name: Some(alarm.name.clone().into()),
            alarm_description: Some(alarm.description.clone().into()),
            namespace: Some(alarm.metric.namespace.clone().into()),
            metric_name: Some(alarm.metric.name.clone().into()),
            dimensions,
            statistic: statistic.map(Into::into),
            extended_statistic: percentile,
            period: Some(alarm.period_seconds.into()),
            evaluation_periods: Some(alarm.periods.into()),
            comparison_operator: Some(operator.into()),
            threshold: Some(threshold.into()),
            treat_missing_data: Some(missing.into()),
            alarm_actions: Some([tells.clone()].into()),
            ok_actions: Some([tells].into()),
            ..cloudwatch::Alarm::default()
        };
        self.add(id, properties).seen_as()
    }
}
