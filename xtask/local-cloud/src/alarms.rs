//! CloudWatch's alarms: a metric is watched, and a topic is told when it changes its mind.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>

mod sources;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::{
    account::Account,
    activity::{Stream, What},
    clock::Moment,
    metrics::{MetricId, Metrics, Values},
    sns::{Publish, Sns},
    sqs::Sqs,
};

/// How often alarms are looked at when no value comes.
const ROUND: Duration = Duration::from_secs(60);
/// So close together values are looked at once.
const TOGETHER: Duration = Duration::from_millis(20);

/// An alarm, as the template describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it watches.
    pub metric: MetricId,
    /// How the values of a period become one.
    pub statistic: Statistic,
    /// How long a period is.
    pub period: Duration,
    /// How many periods are looked at.
    pub periods: usize,
    /// How many of them must breach.
    pub to_alarm: usize,
    /// When a value breaches.
    pub comparison: Comparison,
    /// Compared with this.
    pub threshold: f64,
    /// What a period without values is.
    pub missing: Missing,
    /// Topics that are told, by the new state.
    pub actions: Actions,
}

/// Topics that are told of a new state, by their ARNs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// When it is `ALARM`.
    pub alarm: Vec<String>,
    /// When it is `OK`.
    pub ok: Vec<String>,
    /// When it is `INSUFFICIENT_DATA`.
    pub insufficient: Vec<String>,
}

/// How the values of a period become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// All together.
    Sum,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// The mean.
    Average,
    /// How many there are.
    SampleCount,
}

/// When a value breaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Above the threshold.
    Greater,
    /// At the threshold or above.
    AtLeast,
    /// Below the threshold.
    Less,
    /// At the threshold or below.
    AtMost,
}

/// What a period without values is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// One that does not breach.
    NotBreaching,
    /// One that breaches.
    Breaching,
    /// Nothing: the alarm stays as it is.
    Ignore,
    /// Nothing: without any values the alarm has insufficient data.
    Missing,
}

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The metric is within its bounds.
    Ok,
    /// It is not.
    Alarm,
    /// There are not enough values.
    InsufficientData,
}

/// An alarm and what it says.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The alarm's name.
    pub name: String,
    /// What it says.
    pub state: State,
    /// Why.
    pub reason: String,
    /// What it is for.
    pub description: String,
    /// What it watches and when it alarms, as a sentence.
    pub watches: String,
}

/// All alarms of the account. Clones share them.
#[derive(Clone)]
pub struct Alarms(Arc<Inner>);

struct Inner {
    account: Account,
    metrics: Metrics,
    sqs: Sqs,
    sns: Sns,
    activity: Stream,
    alarms: Mutex<Vec<Watched>>,
}

/// An alarm, and what it says and why, once it was looked at.
struct Watched {
    alarm: Alarm,
    says: Option<(State, String)>,
}

impl Alarms {
    /// An account without alarms.
    #[must_use]
    pub fn new(account: Account, metrics: Metrics, sqs: Sqs, sns: Sns, activity: Stream) -> Self {
        Self(Arc::new(Inner { account, metrics, sqs, sns, activity, alarms: Mutex::default() }))
    }

    /// Adds an alarm.
    pub fn create(&self, alarm: Alarm) {
        self.0.metrics.watch(alarm.metric.clone());
        self.lock().push(Watched { alarm, says: None });
    }

    /// Has the alarms that another account has, and no others. Those that stay as they are go on saying what they said.
    pub(crate) fn adopt(&self, wanted: &Self) {
        let (mut known, wanted) = (std::mem::take(&mut *self.lock()), wanted.lock());
        let adopted = wanted.iter().map(|Watched { alarm, .. }| {
            let said = known.iter_mut().find(|known| known.alarm == *alarm).and_then(|known| known.says.take());
            Watched { alarm: alarm.clone(), says: said }
        });
        let adopted = adopted.collect();
        *self.lock() = adopted;
    }

    /// What all alarms say.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let told = |Watched { alarm, says }: &Watched| {
            let unknown = || (State::InsufficientData, "it was not looked at yet".to_owned());
            let (state, reason) = says.clone().unwrap_or_else(unknown);
            let (name, description) = (alarm.name.clone(), alarm.description.clone());
            Told { name, state, reason, description, watches: alarm.watches() }
        };
        self.lock().iter().map(told).collect()
    }

    /// Watches until the task is aborted: at each value that comes, and once a minute.
    pub(crate) fn start(&self) -> Vec<JoinHandle<()>> {
        let (alarms, listening) = (self.clone(), self.0.activity.listen());
        let sources = sources::follow(listening, self.0.metrics.clone());
        let watching = tokio::spawn(async move {
            loop {
                let came = alarms.0.metrics.came();
                tokio::pin!(came);
                came.as_mut().enable();
                alarms.look();
                tokio::select! {
                    // What comes close together is looked at together.
                    () = came => tokio::time::sleep(TOGETHER).await,
                    () = alarms.0.metrics.clock().sleep(ROUND) => {}
                }
            }
        });
        vec![sources, watching]
    }

    /// Looks at all metrics, and tells what is new.
    fn look(&self) {
        let now = self.0.metrics.clock().now();
        let mut changed = Vec::new();
        for Watched { alarm, says } in self.lock().iter_mut() {
            sources::measure(&self.0.sqs, &self.0.metrics, &alarm.metric, now);
            let Some((state, reason)) = alarm.evaluate(&self.0.metrics, now) else { continue };
            let old = says.as_ref().map(|(state, _)| *state);
            *says = Some((state, reason.clone()));
            // An alarm begins as what it is; only what it says later is news.
            if let Some(old) = old.filter(|old| *old != state) {
                changed.push((alarm.clone(), old, state, reason));
            }
        }
        for (alarm, old, state, reason) in changed {
            self.tell(&alarm, old, state, &reason);
        }
    }

    fn tell(&self, alarm: &Alarm, old: State, state: State, reason: &str) {
        let what = What::Alarm { alarm: alarm.name.clone(), state: state.name().to_owned(), reason: reason.to_owned() };
        self.0.activity.tell(what, None);
        let message = self.message(alarm, old, state, reason);
        let subject: String = format!("{}: \"{}\" in {}", state.name(), alarm.name, self.0.account.region);
        for topic in alarm.actions.of(state) {
            let publish = Publish {
                topic_arn: topic.clone(),
                message: message.clone(),
                subject: Some(subject.chars().take(99).collect()),
                ..Publish::default()
            };
            // An action that is no topic of this cloud has nobody to tell.
            let _nobody = self.0.sns.publish(&publish);
        }
    }

    /// What CloudWatch publishes.
    fn message(&self, alarm: &Alarm, old: State, state: State, reason: &str) -> String {
        let dimensions = alarm.metric.dimensions.iter();
        let dimensions: Vec<_> = dimensions.map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": self.0.account.id,
            "NewStateValue": state.name(),
            "NewStateReason": reason,
            "StateChangeTime": self.0.metrics.clock().timestamp().to_string(),
            "Region": self.0.account.region,
            "AlarmArn": self.0.account.arn("cloudwatch", &format!("alarm:{}", alarm.name)),
            "OldStateValue": old.name(),
            "OKActions": alarm.actions.ok,
            "AlarmActions": alarm.actions.alarm,
            "InsufficientDataActions": alarm.actions.insufficient,
            "Trigger": {
                "MetricName": alarm.metric.name,
                "Namespace": alarm.metric.namespace,
                "StatisticType": "Statistic",
                "Statistic": alarm.statistic.name(),
                "Dimensions": dimensions,
                "Period": alarm.period.as_secs(),
                "EvaluationPeriods": alarm.periods,
                "DatapointsToAlarm": alarm.to_alarm,
                "ComparisonOperator": alarm.comparison.name(),
                "Threshold": alarm.threshold,
                "TreatMissingData": alarm.missing.name(),
            },
        })
        .to_string()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.0.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm {
    /// What it watches and when it alarms, for people.
    fn watches(&self) -> String {
        let (metric, statistic) = (&self.metric, self.statistic.name());
        let (sign, seconds) = (self.comparison.sign(), self.period.as_secs());
        let (most, threshold) = (self.periods, self.threshold);
        format!(
            "{statistic} of {} {} {sign} {threshold}, in {} of {most} x {seconds} s",
            metric.namespace, metric.name, self.to_alarm
        )
    }

    /// What the alarm says now, and why; nothing when it stays as it is.
    fn evaluate(&self, metrics: &Metrics, now: Moment) -> Option<(State, String)> {
        // The periods end now, so that a value is seen as soon as it is there; AWS's begin at full minutes.
        let value = |back: usize| {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            let end = now.saturating_sub(self.period.saturating_mul(back));
            let values = metrics.between(&self.metric, end.saturating_sub(self.period), end);
            values.map(|values| self.statistic.of(values))
        };
        let values: Vec<_> = (0..self.periods).map(value).collect();
        let (mut breaching, mut known) = (0, 0);
        for value in &values {
            match (value, self.missing) {
                (Some(value), _) => {
                    known += 1;
                    breaching += usize::from(self.comparison.breaches(*value, self.threshold));
                }
                (None, Missing::Breaching) => (breaching, known) = (breaching + 1, known + 1),
                (None, Missing::NotBreaching) => known += 1,
                (None, Missing::Ignore | Missing::Missing) => {}
            }
        }
        let shown: Vec<_> = values.iter().flatten().map(f64::to_string).collect();
        let shown = if shown.is_empty() { "no datapoints were received".to_owned() } else { shown.join(", ") };
        let (sign, threshold) = (self.comparison.sign(), self.threshold);
        let reason = |state: &str| {
            format!("{state}: {breaching} of the last {} datapoints breach {sign} {threshold} [{shown}]", self.periods)
        };
        if breaching >= self.to_alarm {
            return Some((State::Alarm, reason("Threshold Crossed")));
        }
        match (known, self.missing) {
            (0, Missing::Ignore) => None,
            (0, _) => Some((State::InsufficientData, format!("Insufficient Data: {shown}"))),
            _ => Some((State::Ok, reason("Threshold not crossed"))),
        }
    }
}

impl Statistic {
    /// By CloudWatch's name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Sum, Self::Maximum, Self::Minimum, Self::Average, Self::SampleCount]
            .into_iter()
            .find(|known| known.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::Average => "Average",
            Self::SampleCount => "SampleCount",
        }
    }

    fn of(self, values: Values) -> f64 {
        match self {
            Self::Sum => values.sum,
            Self::Maximum => values.largest,
            Self::Minimum => values.smallest,
            Self::Average => values.sum / values.count,
            Self::SampleCount => values.count,
        }
    }
}

impl Comparison {
    /// By CloudWatch's name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Greater, Self::AtLeast, Self::Less, Self::AtMost].into_iter().find(|known| known.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Greater => "GreaterThanThreshold",
            Self::AtLeast => "GreaterThanOrEqualToThreshold",
            Self::Less => "LessThanThreshold",
            Self::AtMost => "LessThanOrEqualToThreshold",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }

    fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Greater => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Less => value < threshold,
            Self::AtMost => value <= threshold,
        }
    }
}

impl Missing {
    /// By CloudWatch's name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::NotBreaching, Self::Breaching, Self::Ignore, Self::Missing]
            .into_iter()
            .find(|known| known.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::NotBreaching => "notBreaching",
            Self::Breaching => "breaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl Actions {
    fn of(&self, state: State) -> &[String] {
        match state {
            State::Ok => &self.ok,
            State::Alarm => &self.alarm,
            State::InsufficientData => &self.insufficient,
        }
    }
}
