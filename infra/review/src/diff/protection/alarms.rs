//! Alarms that are gone, tell nobody, or ring later.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html>

use std::{cmp::Ordering, collections::HashSet};

use crate::diff::{
    Fact, Guard, Risk,
    compared::Compared,
    fold::{Folded, Said, changed_at},
    words,
};
use cfn::{
    LogicalId, Path,
    view::{
        ResourceView,
        text::{Piece, Text},
    },
};

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSITE: &str = "AWS::CloudWatch::CompositeAlarm";

/// What an alarm looks at: another one is another alarm.
const WATCHED: [&str; 8] = [
    "MetricName",
    "Namespace",
    "Dimensions",
    "Metrics",
    "Statistic",
    "ExtendedStatistic",
    "ComparisonOperator",
    "AlarmRule",
];

pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let mut folded = Folded::default();
    let now: HashSet<&LogicalId> = compared.pairs().map(|pair| pair.old_id).collect();
    for (id, resource) in &compared.old.template.resources {
        let is_alarm = resource.kind == ALARM || resource.kind == COMPOSITE;
        if is_alarm && !now.contains(id) {
            let said = Said {
                several: " are gone: they ring no more".to_owned(),
                guards: vec![Guard::RemoveAlarm],
                ..Said::new("alarm-removed", Risk::Protection, &resource.kind, " is gone: it rings no more")
            };
            folded.say(id, vec![Path::resource(id.as_str())], said);
        }
    }
    for pair in compared.pairs().filter(|pair| pair.old.kind == pair.new.kind && pair.old != pair.new) {
        if pair.new.kind != ALARM && pair.new.kind != COMPOSITE {
            continue;
        }
        let (old, new) = (
            ResourceView { id: pair.old_id, resource: pair.old },
            ResourceView { id: pair.new_id, resource: pair.new },
        );
        let mut say = |id, places: &[&str], guard, words: String, why| {
            let said = Said::new(id, Risk::Protection, &new.resource.kind, words);
            let explains = places.iter().flat_map(|place| changed_at(compared, pair.new_id, place)).collect();
            folded.say(pair.new_id, explains, Said { guards: vec![guard], why, ..said });
        };
        if tells_somebody(old) && !tells_somebody(new) {
            let words = ": rings, and tells nobody any more".to_owned();
            say("alarm-silent", &["AlarmActions", "ActionsEnabled"], Guard::RemoveAlarm, words, "");
            continue;
        }
        for (places, words, why) in weaker(old, new) {
            let words = format!("{words}{}", watched(compared, new));
            say("alarm-weaker", places, Guard::WeakenProtection, words, why);
        }
    }
    folded.facts()
}

fn tells_somebody(alarm: ResourceView<'_>) -> bool {
    let enabled = alarm.truth_or("ActionsEnabled", true) != Some(false);
    enabled && alarm.field("AlarmActions").value().is_some() && !alarm.list("AlarmActions").is_empty()
}

/// What an alarm looks at, in brackets: the metric, and the resources of the template that its dimensions name.
fn watched(compared: &Compared<'_>, alarm: ResourceView<'_>) -> String {
    let Some(metric) = alarm.literal("MetricName") else { return String::new() };
    let values = alarm.list("Dimensions").into_iter().filter_map(|dimension| dimension.get("Value"));
    let pieces = values.flat_map(|value| Text::of(value).pieces().to_vec());
    let named = pieces.filter_map(|piece| match piece {
        Piece::Ref(id) | Piece::Attribute(id, _) if compared.new.template.resources.contains_key(&*id) => Some(id),
        _ => None,
    });
    let mut names: Vec<String> = named.collect();
    names.dedup();
    if names.is_empty() { format!(" ({metric})") } else { format!(" ({metric} of {})", words::listed(&names)) }
}

/// From where on an alarm rings, in words.
fn bound(operator: &str, threshold: f64) -> String {
    match operator {
        "GreaterThanThreshold" => format!("above {threshold}"),
        "GreaterThanOrEqualToThreshold" => format!("at {threshold} or more"),
        "LessThanThreshold" => format!("below {threshold}"),
        "LessThanOrEqualToThreshold" => format!("at {threshold} or less"),
        _ => format!("at {threshold}"),
    }
}

/// In what an alarm rings later or less: the properties, words, and why it matters.
fn weaker(old: ResourceView<'_>, new: ResourceView<'_>) -> Vec<(&'static [&'static str], String, &'static str)> {
    let mut found = Vec::new();
    let other = WATCHED.iter().any(|place| old.resource.properties.get(*place) != new.resource.properties.get(*place));
    if other {
        let why = "what it watched is watched no more";
        found.push((WATCHED.as_slice(), ": watches something else".to_owned(), why));
    } else if let (Some(before), Some(after)) = (old.number("Threshold"), new.number("Threshold")) {
        let operator = old.literal("ComparisonOperator").unwrap_or_default();
        let later = if operator.starts_with("Less") { Ordering::Less } else { Ordering::Greater };
        if after.total_cmp(&before) == later {
            let words = format!(": rings {} instead of {}", bound(&operator, after), bound(&operator, before));
            found.push((&["Threshold"], words, "smaller troubles are not noticed"));
        }
    }
    // So long it must be bad until the alarm rings.
    let span = |alarm: ResourceView<'_>| {
        let periods = alarm.number_or("EvaluationPeriods", 1.0)?;
        let needed = alarm.number_or("DatapointsToAlarm", periods)?;
        Some(alarm.number_or("Period", 1.0)? * needed)
    };
    if let (Some(before), Some(after)) = (span(old), span(new))
        && after > before
    {
        let words = format!(": rings after {after} s instead of {before} s");
        found.push((&["EvaluationPeriods", "DatapointsToAlarm", "Period"], words, "a trouble is noticed later"));
    }
    let missing = |alarm: ResourceView<'_>| match alarm.literal("TreatMissingData").as_deref() {
        Some("breaching") => Some(2),
        None if alarm.is_absent("TreatMissingData") => Some(1),
        Some("missing" | "ignore") => Some(1),
        Some(_) => Some(0),
        None => None,
    };
    if let (Some(2), Some(after)) = (missing(old), missing(new))
        && after < 2
    {
        let words = ": no longer rings when there is no data";
        found.push((&["TreatMissingData"], words.to_owned(), "a thing that is dead sends none"));
    }
    found
}
