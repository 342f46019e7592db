//! Logs: how long, whose, and what is counted from them.

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    pattern,
};
use crate::check::context::Facts;
use cfn::view::{Field, ResourceView, items, text::Piece};

const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const METRIC_FILTER: &str = "AWS::Logs::MetricFilter";
const FUNCTION: &str = "AWS::Lambda::Function";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "LOG-1",
        severity: Error,
        title: "a filter pattern can be read",
        why: "Logs refuses it, and the deployment fails",
        mend: "see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html",
        find: filter_pattern,
    },
    Rule {
        id: "LOG-2",
        severity: Warning,
        title: "a log is not kept for ever",
        why: "without a retention, every line is stored and paid for until somebody deletes it",
        mend: "set RetentionInDays",
        find: retention,
    },
    Rule {
        id: "LOG-3",
        severity: Warning,
        title: "every function has a log group of its own",
        why: "Lambda makes one itself otherwise, without retention or encryption; and in a shared one nobody knows whose line \
              it is",
        mend: "add an AWS::Logs::LogGroup and name it in the function's LoggingConfig",
        find: own_log,
    },
    Rule {
        id: "LOG-4",
        severity: Error,
        title: "a counted metric has a default value or dimensions",
        why: "Logs refuses both at once",
        mend: "remove DefaultValue or Dimensions",
        find: default_with_dimensions,
    },
];

fn filter_pattern(facts: &Facts<'_>) -> Vec<Fault> {
    let kinds = [METRIC_FILTER, "AWS::Logs::SubscriptionFilter"];
    let filters = kinds.into_iter().flat_map(|kind| facts.all(kind));
    filters
        .filter_map(|filter| {
            let said = pattern::fault(&filter.literal("FilterPattern")?)?;
            Some(Fault::new(filter.at("FilterPattern"), said))
        })
        .collect()
}

fn retention(facts: &Facts<'_>) -> Vec<Fault> {
    let endless = facts.all(LOG_GROUP).filter(|group| group.is_absent("RetentionInDays"));
    endless.map(|group| Fault::new(group.path(), "lines are kept for ever")).collect()
}

fn own_log(facts: &Facts<'_>) -> Vec<Fault> {
    let mut owners: Vec<(&str, ResourceView<'_>)> = Vec::new();
    let mut faults = Vec::new();
    for function in facts.all(FUNCTION) {
        let group = match function.field("LoggingConfig.LogGroup") {
            Field::Is(group) => match facts.target(group, LOG_GROUP) {
                Some(group) => group,
                // A group of another stack, by its name.
                None => continue,
            },
            Field::Unknown => continue,
            Field::Absent => match named_after(facts, function) {
                Some(group) => group,
                None if facts.may_grow() => continue,
                None => {
                    faults.push(Fault::new(function.path(), "the function has no log group in the template"));
                    continue;
                }
            },
        };
        match owners.iter().find(|(id, _)| *id == group.id.as_str()) {
            Some((_, other)) => {
                let message = format!("{} writes to {} as well", other.id, group.id);
                faults.push(Fault::new(function.path(), message));
            }
            None => owners.push((group.id.as_str(), function)),
        }
    }
    faults
}

/// The group `/aws/lambda/<name>`, which Lambda takes when a function names none; the name may be a `Ref` of the function.
fn named_after<'a>(facts: &Facts<'a>, function: ResourceView<'a>) -> Option<ResourceView<'a>> {
    let by_reference = [Piece::Literal("/aws/lambda/".to_owned()), Piece::Ref(function.id.to_string())];
    let name = function.text("FunctionName").map(|name| format!("/aws/lambda/{}", name.shown()));
    facts.all(LOG_GROUP).find(|group| {
        let text = group.text("LogGroupName").unwrap_or_default();
        text.pieces() == by_reference || (text.is_determined() && Some(text.shown()) == name) || !text.is_determined()
    })
}

fn default_with_dimensions(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for filter in facts.all(METRIC_FILTER) {
        let Some(transformations) = filter.field("MetricTransformations").value() else { continue };
        for (path, one) in items(transformations, &filter.at("MetricTransformations")) {
            let has = |name: &str| matches!(Field::of(one).member(name), Field::Is(_));
            if has("DefaultValue") && has("Dimensions") {
                faults.push(Fault::new(path, "both DefaultValue and Dimensions are set"));
            }
        }
    }
    faults
}
