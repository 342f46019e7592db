//! `drift`: where the resources are no longer as the template has them, property by property.
//!
//! CloudFormation can look at many types, and not at all: what it did not look at is said apart from what is in sync.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    time::Duration,
};

use aws_sdk_cloudformation::{
    Client,
    types::{PropertyDifference, StackDriftDetectionStatus, StackResourceDrift},
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    Failure, Format,
    colour::{Colour, Paint, s},
    failure::{failure, says},
    heartbeat,
    resources::{Resource, Resources},
    stack::missing,
    target::Target,
    text::{print, print_json, printable},
};

/// The exit code when something has drifted.
const DRIFTED: u8 = 2;

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Report<'a> {
    /// The stack's name.
    stack: &'a str,
    /// Whether anything has drifted.
    drifted: bool,
    /// What has: changed or deleted by somebody else than CloudFormation.
    resources: Vec<Drifted>,
    /// The logical ids of what is as the template has it.
    in_sync: Vec<String>,
    /// What CloudFormation did not look at.
    not_checked: Vec<NotChecked>,
}

/// A resource that is no longer as the template has it.
#[derive(Debug, Serialize)]
struct Drifted {
    /// The logical id.
    id: String,
    /// Such as `AWS::SQS::Queue`.
    #[serde(rename = "type")]
    kind: String,
    /// What AWS calls it.
    physical_id: String,
    /// `modified` or `deleted`.
    status: &'static str,
    /// The properties that differ.
    differences: Vec<Difference>,
}

/// A property that differs.
#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    /// Where it is, such as `RedrivePolicy.maxReceiveCount`.
    property: String,
    /// What the template has; nothing where somebody added it.
    expected: Option<Json>,
    /// What there is; nothing where somebody removed it.
    actual: Option<Json>,
}

/// A resource that CloudFormation did not look at.
#[derive(Debug, Serialize)]
struct NotChecked {
    /// The logical id.
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// Why not.
    why: String,
}

pub(crate) async fn run(target: &Target, format: Format) -> Result<ExitCode, Failure> {
    let client = target.aws.cloudformation();
    let why_failed = detect(target, &client).await?;
    let resources = Resources::read(target).await?;
    let drifts = read(target, &client).await?;
    let report = report(&target.stack, &resources, &drifts, why_failed.as_deref());
    match format {
        Format::Json => print_json(&report)?,
        Format::Text => print(&text(&report, &target.env, Paint::new()))?,
    }
    Ok(if report.drifted { ExitCode::from(DRIFTED) } else { ExitCode::SUCCESS })
}

/// Has CloudFormation look, and waits until it has; why it could not look at everything.
async fn detect(target: &Target, client: &Client) -> Result<Option<String>, Failure> {
    let doing = "cannot have CloudFormation look for drift";
    let started = client.detect_stack_drift().stack_name(&target.stack).send().await;
    let started = started.map_err(|error| match says(&error, "does not exist") {
        true => missing(target),
        false => failure(&error, doing),
    })?;
    let id = started.stack_drift_detection_id().map(str::to_owned);
    let id = id.ok_or_else(|| Failure::new(format!("{doing}: it returned no id"), "run the command again"))?;
    let _waiting = heartbeat::waiting_for("CloudFormation to compare each resource");
    let mut wait = target.aws.pace.first;
    let mut told = false;
    loop {
        let status = client.describe_stack_drift_detection_status().stack_drift_detection_id(&id).send().await;
        let status = status.map_err(|error| failure(&error, doing))?;
        match status.detection_status() {
            Some(StackDriftDetectionStatus::DetectionComplete) => return Ok(None),
            // Some of it may have been looked at: that is shown, and the rest said to be unchecked.
            Some(StackDriftDetectionStatus::DetectionFailed) => {
                let why = status.detection_status_reason().unwrap_or("CloudFormation does not say why");
                return Ok(Some(why.to_owned()));
            }
            _ => {}
        }
        if !told && wait > Duration::from_secs(1) {
            note!("CloudFormation looks at each resource; that can take a few minutes");
            told = true;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(target.aws.pace.longest_look());
    }
}

async fn read(target: &Target, client: &Client) -> Result<Vec<StackResourceDrift>, Failure> {
    let mut pages = client.describe_stack_resource_drifts().stack_name(&target.stack).into_paginator().send();
    let mut drifts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failure(&error, "cannot read what has drifted"))?;
        drifts.extend(page.stack_resource_drifts().iter().cloned());
    }
    Ok(drifts)
}

fn report<'a>(
    stack: &'a str,
    resources: &Resources,
    drifts: &[StackResourceDrift],
    why_failed: Option<&str>,
) -> Report<'a> {
    let by_id: BTreeMap<_, _> = drifts.iter().filter_map(|drift| Some((drift.logical_resource_id()?, drift))).collect();
    let (mut drifted, mut in_sync, mut not_checked) = (Vec::new(), Vec::new(), Vec::new());
    for resource in resources.all() {
        let drift = by_id.get(resource.id.as_str());
        let status = drift.and_then(|drift| drift.stack_resource_drift_status()).map_or("", |status| status.as_str());
        match (drift, status) {
            (_, "IN_SYNC") => in_sync.push(resource.id.clone()),
            (Some(drift), "MODIFIED") => drifted.push(modified(resource, "modified", drift)),
            (Some(drift), "DELETED") => drifted.push(modified(resource, "deleted", drift)),
            _ => not_checked.push(unchecked(resource, status, why_failed)),
        }
    }
    Report { stack, drifted: !drifted.is_empty(), resources: drifted, in_sync, not_checked }
}

fn modified(resource: &Resource, status: &'static str, drift: &StackResourceDrift) -> Drifted {
    Drifted {
        id: resource.id.clone(),
        kind: resource.kind.clone(),
        physical_id: resource.physical.clone(),
        status,
        differences: drift.property_differences().iter().map(difference).collect(),
    }
}

fn difference(difference: &PropertyDifference) -> Difference {
    // Values come as JSON, or as the text itself; `null` stands for none.
    let value = |text: Option<&str>| {
        let text = text.filter(|text| *text != "null")?;
        Some(serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())))
    };
    let path = difference.property_path().unwrap_or_default();
    Difference {
        property: path.trim_start_matches('/').replace('/', "."),
        expected: value(difference.expected_value()),
        actual: value(difference.actual_value()),
    }
}

fn unchecked(resource: &Resource, status: &str, why_failed: Option<&str>) -> NotChecked {
    let why = match (status, why_failed) {
        ("", Some(why)) => why.to_owned(),
        ("UNKNOWN", _) => "CloudFormation could not read it: the caller may lack a permission".to_owned(),
        _ => "CloudFormation does not look at this type".to_owned(),
    };
    NotChecked { id: resource.id.clone(), kind: resource.kind.clone(), why }
}

fn text(report: &Report<'_>, env: &str, paint: Paint) -> String {
    let (drifted, in_sync, not_checked) = (report.resources.len(), report.in_sync.len(), report.not_checked.len());
    let verdict = match (drifted, not_checked) {
        (0, 0) => format!("in sync, all {in_sync} resources"),
        (0, _) => format!("{in_sync} in sync, {not_checked} not checked"),
        _ => format!("{drifted} drifted, {in_sync} in sync, {not_checked} not checked"),
    };
    let mut text = format!("{}: {verdict}\n", report.stack);
    for resource in &report.resources {
        text += &format!(
            "\n{}  {}  {}, {}\n",
            printable(&resource.id),
            printable(&resource.kind),
            printable(&resource.physical_id),
            paint.paint(Colour::Red, resource.status)
        );
        text += &resource.differences.iter().map(|difference| differing(difference, paint)).collect::<String>();
    }
    text += &unchecked_text(&report.not_checked);
    if report.drifted {
        text += &format!(
            "\nput it back by hand, or change the definition to what is wanted: `cargo xtask deploy --env {env}` brings back\n\
             only what the template changes\n"
        );
    }
    text
}

/// The template's value and what there is, as lines of a diff.
fn differing(difference: &Difference, paint: Paint) -> String {
    let line = |sign: &str, colour, value: &Option<Json>| {
        let shown = value.as_ref().map(|value| value.to_string()).unwrap_or_default();
        value.as_ref().map(|_| format!("  {}\n", paint.paint(colour, &format!("{sign} {}", printable(&shown)))))
    };
    let expected = line("-", Colour::Red, &difference.expected);
    let actual = line("+", Colour::Green, &difference.actual);
    format!("  {}\n{}{}", printable(&difference.property), expected.unwrap_or_default(), actual.unwrap_or_default())
}

/// What was not looked at, by the reason and the type.
fn unchecked_text(not_checked: &[NotChecked]) -> String {
    let reasons: BTreeSet<_> = not_checked.iter().map(|each| each.why.as_str()).collect();
    let mut text = String::new();
    for reason in reasons {
        let mut types: BTreeMap<&str, usize> = BTreeMap::new();
        for each in not_checked.iter().filter(|each| each.why == reason) {
            *types.entry(each.kind.as_str()).or_default() += 1;
        }
        let count: usize = types.values().sum();
        text += &format!("\nnot checked, {count} resource{}: {}\n", s(count), printable(reason));
        text += &types.iter().map(|(kind, count)| format!("  {} {count}\n", printable(kind))).collect::<String>();
    }
    text
}
