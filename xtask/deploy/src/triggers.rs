//! The alarms that undo a deployment when they ring while it is under way.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html>

use cfn::Resource;
use serde::{Deserialize, Serialize};

use crate::{
    Failure, aws::call::CLOUDWATCH, change_set::Rollback, failure::failure, source::Source, target::Target,
    text::printable,
};

/// As many as CloudFormation takes.
const MOST: usize = 5;

/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeAlarms<'a> {
    alarm_names: Vec<&'a str>,
    max_records: u32,
}

/// The result of `DescribeAlarms`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarms {
    metric_alarms: Option<Vec<MetricAlarm>>,
}

/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricAlarm {
    alarm_name: Option<String>,
    alarm_arn: Option<String>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    state_value: Option<String>,
}

/// An alarm that may become a trigger.
struct Candidate {
    name: String,
    /// The smaller, the sooner it tells that a deployment broke something.
    rank: u8,
}

/// The stack's own alarms that watch the deployment, at most five, with a word on each that cannot.
///
/// Only alarms that exist count: CloudFormation undoes an operation whose trigger is missing. One that rings already is
/// left out: it would undo the very deployment that mends what it rings for.
///
/// # Errors
/// When CloudWatch does not say how the alarms are.
pub(crate) async fn choose(
    target: &Target,
    source: &Source,
    before: &cfn::Template,
    changed: &[&str],
    minutes: u32,
) -> Result<Rollback, Failure> {
    let mut candidates = candidates(&source.template, before, changed);
    candidates.sort_by_key(|candidate| candidate.rank);
    if candidates.is_empty() {
        return Ok(Rollback { alarms: Vec::new(), minutes });
    }
    let alarm_names = candidates.iter().map(|candidate| candidate.name.as_str()).take(100).collect();
    let request = DescribeAlarms { alarm_names, max_records: 100 };
    let found = target.aws.call(&CLOUDWATCH, "DescribeAlarms", &request).await;
    let found: Alarms = found.map_err(|error| failure(&error, "cannot ask how the alarms are"))?;
    let found = found.metric_alarms.unwrap_or_default();
    let state = |name: &str| found.iter().find(|alarm| alarm.alarm_name.as_deref() == Some(name));
    let mut rollback = Rollback { alarms: Vec::new(), minutes };
    let mut chosen = Vec::new();
    for Candidate { name, .. } in &candidates {
        let Some(alarm) = state(name) else { continue };
        if alarm.state_value.as_deref() == Some("ALARM") {
            note!("{} rings already: it does not watch this deployment", printable(name));
        } else if let Some(arn) = alarm.alarm_arn.as_ref().filter(|_| chosen.len() < MOST) {
            rollback.alarms.push(arn.clone());
            chosen.push(printable(name));
        }
    }
    if !chosen.is_empty() {
        let watch = if minutes > 0 { format!(", and {minutes} minutes after it") } else { String::new() };
        note!("undone when one of these rings during the deployment{watch}:\n  {}", chosen.join("\n  "));
    }
    Ok(rollback)
}

/// The alarms that are in both templates, by a name that is written out.
fn candidates(after: &cfn::Template, before: &cfn::Template, changed: &[&str]) -> Vec<Candidate> {
    let name = |resource: &Resource| resource.properties.get("AlarmName")?.as_str().map(str::to_owned);
    // The absence of events takes hours, and a deployment minutes.
    let of_absence = |alarm: &Resource| {
        alarm.properties.get("TreatMissingData").and_then(serde_json::Value::as_str) == Some("breaching")
    };
    let of = |template: &cfn::Template| -> Vec<(String, u8)> {
        let alarms = template.resources.values().filter(|resource| resource.kind == "AWS::CloudWatch::Alarm");
        let alarms = alarms.filter(|alarm| !of_absence(alarm));
        alarms.filter_map(|alarm| Some((name(alarm)?, rank(alarm, changed)))).collect()
    };
    let there = of(before);
    let both = of(after).into_iter().filter(|(name, _)| there.iter().any(|(other, _)| other == name));
    both.map(|(name, rank)| Candidate { name, rank }).collect()
}

/// What callers see tells first, then the functions whose code changes, then other functions, then the rest.
fn rank(alarm: &Resource, changed: &[&str]) -> u8 {
    let text = |property: &str| alarm.properties.get(property).and_then(serde_json::Value::as_str).unwrap_or_default();
    let about = || {
        let dimensions = alarm.properties.get("Dimensions");
        let named = dimensions.map(|dimensions| cfn::graph::references(dimensions, "")).unwrap_or_default();
        named.iter().any(|(_, id)| changed.contains(&id.as_str()))
    };
    match (text("Namespace"), text("MetricName")) {
        ("AWS/ApiGateway", "5xx") => 0,
        ("AWS/Lambda", "Errors") if about() => 1,
        ("AWS/Lambda", "Errors") => 2,
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible") => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_soonest_comes_first_and_what_is_new_not_at_all() {
        let alarm = |name: &str, space: &str, metric: &str, function: &str| {
            format!(
                "  {}: {{Type: AWS::CloudWatch::Alarm, Properties: {{AlarmName: {name}, Namespace: {space}, MetricName: {metric}, \
                 Dimensions: [{{Name: FunctionName, Value: !Ref {function}}}]}}}}\n",
                name.to_uppercase()
            )
        };
        let absence = "  ABSENCE: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: absence, TreatMissingData: breaching}}\n";
        let before = format!(
            "Resources:\n{absence}{}{}{}{}",
            alarm("depth", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Q"),
            alarm("one", "AWS/Lambda", "Errors", "One"),
            alarm("two", "AWS/Lambda", "Errors", "Two"),
            alarm("api", "AWS/ApiGateway", "5xx", "Api"),
        );
        let after = format!("{before}{}", alarm("new", "AWS/Lambda", "Errors", "Two"));
        let (before, after) = (cfn::read::template(&before).unwrap(), cfn::read::template(&after).unwrap());
        let mut found = candidates(&after, &before, &["Two"]);
        found.sort_by_key(|candidate| candidate.rank);
        let names: Vec<_> = found.iter().map(|candidate| candidate.name.as_str()).collect();
        assert_eq!(names, ["api", "two", "one", "depth"]);
    }
}
