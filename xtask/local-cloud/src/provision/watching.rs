//! Metric filters and alarms, made.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{Maker, ProvisionError, Wanted, resolve::Made, text};
use crate::{
    alarms::{Actions, Alarm, Comparison, Missing, Statistic},
    metrics::{MetricFilter, MetricId, filter::FilterPattern},
};

impl Maker<'_> {
    pub(super) fn metric_filter(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let log_group = wanted.text("LogGroupName").unwrap_or_default();
        let pattern = FilterPattern::parse(&wanted.text("FilterPattern").unwrap_or_default());
        let pattern = pattern.map_err(|why| wanted.wrong(why))?;
        for transformation in wanted.list("MetricTransformations") {
            let part = |name: &str| transformation.get(name).map(text).unwrap_or_default();
            self.services.metrics.add_filter(MetricFilter {
                log_group: log_group.clone(),
                pattern: pattern.clone(),
                metric: MetricId {
                    namespace: part("MetricNamespace"),
                    name: part("MetricName"),
                    dimensions: BTreeMap::new(),
                },
                value: part("MetricValue"),
                default: transformation.get("DefaultValue").and_then(Value::as_f64),
            });
        }
        Ok(Made::new(wanted.id.as_str()))
    }

    pub(super) fn alarm(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.name("AlarmName", &self.given.stack_name);
        let made = Made::new(&name).with("Arn", &self.given.account.arn("cloudwatch", &format!("alarm:{name}")));
        let Some(metric) = wanted.text("MetricName") else {
            self.note("alarms of more than one metric are not watched", format!("{} {name}", wanted.kind));
            return Ok(made);
        };
        let pair = |dimension: &Value| Some((text(dimension.get("Name")?), text(dimension.get("Value")?)));
        let dimensions = wanted.list("Dimensions").iter().filter_map(pair).collect();
        let list = |name: &str| wanted.list(name).iter().map(text).collect();
        let enabled = wanted.text("ActionsEnabled").is_none_or(|enabled| enabled == "true");
        let actions = Actions {
            alarm: list("AlarmActions"),
            ok: list("OKActions"),
            insufficient: list("InsufficientDataActions"),
        };
        let periods = wanted.ranged("EvaluationPeriods", 1, 1440)?.unwrap_or(1);
        let to_alarm = wanted.ranged("DatapointsToAlarm", 1, periods)?.unwrap_or(periods);
        let number = |name: &str| wanted.properties.get(name).map(text).and_then(|text| text.parse::<f64>().ok());
        self.services.alarms.create(Alarm {
            description: wanted.text("AlarmDescription").unwrap_or_default(),
            metric: MetricId { namespace: wanted.text("Namespace").unwrap_or_default(), name: metric, dimensions },
            statistic: wanted.word("Statistic", "Average", Statistic::parse)?,
            period: Duration::from_secs(wanted.ranged("Period", 10, 86_400)?.unwrap_or(300)),
            periods: usize::try_from(periods).unwrap_or(1),
            to_alarm: usize::try_from(to_alarm).unwrap_or(1),
            comparison: wanted.word("ComparisonOperator", "", Comparison::parse)?,
            threshold: number("Threshold").ok_or_else(|| wanted.wrong("it has no Threshold".to_owned()))?,
            missing: wanted.word("TreatMissingData", "missing", Missing::parse)?,
            actions: if enabled { actions } else { Actions::default() },
            name,
        });
        Ok(made)
    }
}

impl Wanted<'_> {
    /// One of the words that AWS has for a property.
    fn word<T>(&self, property: &str, default: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ProvisionError> {
        let text = self.text(property).unwrap_or_else(|| default.to_owned());
        parse(&text).ok_or_else(|| self.wrong(format!("its {property} {text:?} is not played here")))
    }
}
