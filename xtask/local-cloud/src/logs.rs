//! CloudWatch Logs: groups, and the newest lines in each.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html>

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{
    account::Account,
    metrics::{Metrics, filter::FilterPattern},
    wire::ApiError,
};

/// So many of the newest lines of a group are kept.
const KEPT: usize = 10_000;

/// All log groups of the account. Clones share them.
#[derive(Clone)]
pub struct Logs {
    account: Account,
    metrics: Metrics,
    groups: Arc<Mutex<BTreeMap<String, Group>>>,
}

#[derive(Default)]
struct Group {
    retention_days: Option<u32>,
    lines: VecDeque<Line>,
    /// How many lines there were before the oldest that is kept.
    dropped: u64,
}

struct Line {
    stream: String,
    at: u128,
    text: String,
}

impl Logs {
    /// An account without log groups.
    #[must_use]
    pub fn new(account: Account, metrics: Metrics) -> Self {
        Self { account, metrics, groups: Arc::default() }
    }

    /// Makes a group.
    pub fn create_group(&self, name: &str, retention_days: Option<u32>) {
        self.lock().entry(name.to_owned()).or_default().retention_days = retention_days;
    }

    /// Adds a line; the group is made when it is not there, as Lambda does.
    pub fn append(&self, group: &str, stream: &str, text: &str) {
        self.metrics.look_at(group, text);
        let mut groups = self.lock();
        let group = groups.entry(group.to_owned()).or_default();
        if group.lines.len() == KEPT {
            group.lines.pop_front();
            group.dropped += 1;
        }
        group.lines.push_back(Line {
            stream: stream.to_owned(),
            at: self.metrics.clock().now().as_millis(),
            text: text.to_owned(),
        });
    }

    /// The last lines of a stream, the oldest first.
    pub(crate) fn last(&self, group: &str, stream: &str, most: usize) -> Vec<String> {
        let groups = self.lock();
        let lines = groups.get(group).into_iter().flat_map(|group| group.lines.iter().rev());
        let mut last: Vec<_> =
            lines.filter(|line| line.stream == stream).take(most).map(|line| line.text.clone()).collect();
        last.reverse();
        last
    }

    /// The newest lines of a group, the oldest first: when, since the epoch in milliseconds, and what.
    pub(crate) fn newest(&self, group: &str, most: usize) -> Vec<(u64, String)> {
        let groups = self.lock();
        let lines = groups.get(group).map(|group| &group.lines);
        let skipped = lines.map_or(0, VecDeque::len).saturating_sub(most);
        let lines = lines.into_iter().flatten().skip(skipped);
        lines.map(|line| (u64::try_from(line.at).unwrap_or(u64::MAX), line.text.clone())).collect()
    }

    pub(crate) fn run(&self, action: &str, request: &Value) -> Result<Value, ApiError> {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let groups = self.lock();
        if action == "DescribeLogGroups" {
            let prefix = text("logGroupNamePrefix").unwrap_or_default();
            let list: Vec<_> = groups
                .iter()
                .filter(|(name, _)| name.starts_with(prefix))
                .map(|(name, group)| {
                    let arn = self.account.arn("logs", &format!("log-group:{name}:*"));
                    let mut json = json!({ "logGroupName": name, "arn": arn });
                    if let (Some(days), Some(entries)) = (group.retention_days, json.as_object_mut()) {
                        entries.insert("retentionInDays".to_owned(), json!(days));
                    }
                    json
                })
                .collect();
            return Ok(json!({ "logGroups": list }));
        }
        let name = text("logGroupName").or_else(|| text("logGroupIdentifier")).unwrap_or_default();
        let missing = || ApiError::caller("ResourceNotFoundException", "The specified log group does not exist.");
        let group = groups.get(name).ok_or_else(missing)?;
        match action {
            "DescribeLogStreams" => {
                let mut streams: Vec<_> = group.lines.iter().map(|line| line.stream.as_str()).collect();
                streams.sort_unstable();
                streams.dedup();
                let list: Vec<_> = streams.iter().map(|stream| json!({ "logStreamName": stream })).collect();
                Ok(json!({ "logStreams": list }))
            }
            "FilterLogEvents" => filter(group, request),
            "GetLogEvents" => {
                let stream = text("logStreamName").unwrap_or_default();
                let events: Vec<_> = group.lines.iter().filter(|line| line.stream == stream).map(event).collect();
                Ok(json!({ "events": events, "nextForwardToken": "f/end", "nextBackwardToken": "b/start" }))
            }
            _ => Err(ApiError::caller("UnknownOperationException", format!("{action} is not played here"))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines since a moment, those that the pattern wants.
fn filter(group: &Group, request: &Value) -> Result<Value, ApiError> {
    let pattern = request.get("filterPattern").and_then(Value::as_str).unwrap_or_default();
    let pattern = FilterPattern::parse(pattern).map_err(|why| ApiError::caller("InvalidParameterException", why))?;
    let start = u128::from(request.get("startTime").and_then(Value::as_u64).unwrap_or(0));
    let wanted = |line: &&Line| line.at >= start && pattern.fits(&line.text);
    let numbered = group.lines.iter().enumerate().filter(|(_, line)| wanted(line));
    let events: Vec<_> = numbered
        .map(|(at, line)| {
            let mut json = event(line);
            if let Some(entries) = json.as_object_mut() {
                let id = group.dropped + u64::try_from(at).unwrap_or(u64::MAX);
                entries.insert("eventId".to_owned(), json!(format!("{id:020}")));
                entries.insert("logStreamName".to_owned(), json!(line.stream));
            }
            json
        })
        .collect();
    Ok(json!({ "events": events, "searchedLogStreams": [] }))
}

fn event(line: &Line) -> Value {
    let at = u64::try_from(line.at).unwrap_or(u64::MAX);
    json!({ "timestamp": at, "ingestionTime": at, "message": line.text })
}
