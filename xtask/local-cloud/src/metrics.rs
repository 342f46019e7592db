//! CloudWatch's metrics: values by minute, from log lines and from the services themselves.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>

pub(crate) mod filter;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Notify;

use crate::clock::{Clock, Moment};
use filter::FilterPattern;

/// So long values are kept: as long as the longest alarm looks back.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// All metrics of the account. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    clock: Clock,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    series: Mutex<BTreeMap<MetricId, VecDeque<Second>>>,
    filters: Mutex<Vec<MetricFilter>>,
    /// The metrics that somebody looks at, by their names.
    watched: RwLock<BTreeMap<String, Vec<MetricId>>>,
    /// Told of each value.
    came: Notify,
}

/// A metric, by its name and dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricId {
    /// Such as `AWS/SQS`.
    pub namespace: String,
    /// Such as `ApproximateAgeOfOldestMessage`.
    pub name: String,
    /// Such as `QueueName`.
    pub dimensions: BTreeMap<String, String>,
}

/// The values of one second.
#[derive(Clone, Copy, Debug)]
struct Second {
    at: u64,
    values: Values,
}

/// Values, as far as a statistic needs to know them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Values {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) smallest: f64,
    pub(crate) largest: f64,
}

impl Values {
    fn one(value: f64) -> Self {
        Self { count: 1.0, sum: value, smallest: value, largest: value }
    }

    fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            smallest: self.smallest.min(other.smallest),
            largest: self.largest.max(other.largest),
        }
    }
}

/// What of a log group's lines counts.
#[derive(Clone, Debug)]
pub struct MetricFilter {
    /// The group's name.
    pub log_group: String,
    /// Which lines.
    pub pattern: FilterPattern,
    /// Under which metric.
    pub metric: MetricId,
    /// How much each line counts: a number, or a field of the line as `$.field`.
    pub value: String,
    /// What counts when lines come and none fits.
    pub default: Option<f64>,
}

impl Metrics {
    /// An account without metrics.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, inner: Arc::default() }
    }

    /// Adds a filter of log lines.
    pub fn add_filter(&self, filter: MetricFilter) {
        lock(&self.inner.filters).push(filter);
    }

    /// Has the filters that another account has, and no others.
    pub(crate) fn adopt_filters(&self, wanted: &Self) {
        let filters = lock(&wanted.inner.filters).clone();
        *lock(&self.inner.filters) = filters;
    }

    /// Looks at a line of a log group.
    pub(crate) fn look_at(&self, group: &str, line: &str) {
        let filters = lock(&self.inner.filters);
        let mut values = Vec::new();
        for filter in filters.iter().filter(|filter| filter.log_group == group) {
            let value = if filter.pattern.fits(line) { filter.value_of(line) } else { filter.default };
            values.extend(value.map(|value| (filter.metric.clone(), value)));
        }
        drop(filters);
        values.into_iter().for_each(|(metric, value)| self.put(metric, value));
    }

    /// Says that somebody looks at a metric.
    pub(crate) fn watch(&self, metric: MetricId) {
        let mut watched = self.inner.watched.write().unwrap_or_else(PoisonError::into_inner);
        watched.entry(metric.name.clone()).or_default().push(metric);
    }

    /// Notes a value of a service's own metric, which has one dimension. Everything that happens is counted, so that what
    /// nobody looks at must cost nothing.
    pub(crate) fn count(&self, namespace: &str, name: &str, dimension: (&str, &str), value: f64) {
        let is_it = |metric: &&MetricId| {
            let (key, of) = dimension;
            let dimensions = &metric.dimensions;
            metric.namespace == namespace
                && dimensions.len() == 1
                && dimensions.get(key).is_some_and(|value| value == of)
        };
        let watched = self.inner.watched.read().unwrap_or_else(PoisonError::into_inner);
        // Two alarms of one metric look at the same values.
        if let Some(metric) = watched.get(name).and_then(|metrics| metrics.iter().find(is_it)) {
            self.measured(metric, value);
        }
        drop(watched);
        self.inner.came.notify_waiters();
    }

    /// Notes a value.
    pub(crate) fn put(&self, metric: MetricId, value: f64) {
        self.measured(&metric, value);
        self.inner.came.notify_waiters();
    }

    /// Notes what was measured in passing, which wakes nobody.
    pub(crate) fn measured(&self, metric: &MetricId, value: f64) {
        let at = self.clock.now().as_secs();
        let values = Values::one(value);
        let mut series = lock(&self.inner.series);
        let seconds = match series.get_mut(metric) {
            Some(seconds) => seconds,
            None => series.entry(metric.clone()).or_default(),
        };
        match seconds.back_mut().filter(|last| last.at == at) {
            Some(last) => last.values = last.values.and(values),
            None => seconds.push_back(Second { at, values }),
        }
        while seconds.front().is_some_and(|first| first.at + KEPT.as_secs() < at) {
            seconds.pop_front();
        }
    }

    /// The values of a metric after one moment and up to another, to the second.
    pub(crate) fn between(&self, metric: &MetricId, from: Moment, to: Moment) -> Option<Values> {
        let series = lock(&self.inner.series);
        let newest = series.get(metric)?.iter().rev().skip_while(|second| second.at > to.as_secs());
        newest.take_while(|second| second.at > from.as_secs()).map(|second| second.values).reduce(Values::and)
    }

    /// Waits for the next value of any metric. Made before the look, so that nothing comes in between.
    pub(crate) fn came(&self) -> tokio::sync::futures::Notified<'_> {
        self.inner.came.notified()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl MetricFilter {
    /// What a line that fits counts; nothing when its field is no number.
    fn value_of(&self, line: &str) -> Option<f64> {
        match self.value.strip_prefix("$.") {
            None => self.value.parse().ok(),
            Some(path) => {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let field = path.split('.').try_fold(&line, |value, key| value.get(key))?;
                field.as_f64().or_else(|| field.as_str()?.parse().ok())
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
