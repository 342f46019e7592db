//! CloudWatch Logs: groups, and the newest lines in each.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html>

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use journal::Journal;

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
    /// Where lines are written down.
    journal: Arc<OnceLock<Journal>>,
}

/// A line, as it is written down.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedLine {
    group: String,
    stream: String,
    /// Since the epoch, in milliseconds.
    at: u64,
    text: String,
}

#[derive(Default)]
struct Group {
    /// Whether the template has it; others were made by the first line.
    described: bool,
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

impl Line {
    fn saved(&self, group: &str) -> SavedLine {
        let (group, stream, text) = (group.to_owned(), self.stream.clone(), self.text.clone());
        SavedLine { group, stream, at: u64::try_from(self.at).unwrap_or(u64::MAX), text }
    }
}

impl Group {
    /// Adds a line, and lets the oldest go where there are too many.
    fn push(&mut self, line: Line) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }
}

impl Logs {
    /// An account without log groups.
    #[must_use]
    pub fn new(account: Account, metrics: Metrics) -> Self {
        Self { account, metrics, groups: Arc::default(), journal: Arc::default() }
    }

    /// Makes a group.
    pub fn create_group(&self, name: &str, retention_days: Option<u32>) {
        let mut groups = self.lock();
        let group = groups.entry(name.to_owned()).or_default();
        (group.described, group.retention_days) = (true, retention_days);
    }

    /// Has the groups that another account's template has. Those of the template before it are gone, with their lines.
    pub(crate) fn adopt(&self, wanted: &Self) {
        let wanted = wanted.lock();
        self.lock().retain(|name, group| !group.described || wanted.contains_key(name));
        wanted.iter().for_each(|(name, group)| self.create_group(name, group.retention_days));
    }

    /// Adds a line; the group is made when it is not there, as Lambda does.
    pub fn append(&self, group: &str, stream: &str, text: &str) {
        self.metrics.look_at(group, text);
        let at = self.metrics.clock().now().as_millis();
        let line = Line { stream: stream.to_owned(), at, text: text.to_owned() };
        let mut groups = self.lock();
        if let Some(journal) = self.journal.get() {
            journal.write_as("log", &line.saved(group));
        }
        groups.entry(group.to_owned()).or_default().push(line);
    }

    /// Takes in what was written before, without counting it again, and writes down from now on what is added.
    pub(crate) fn keep(&self, journal: &Journal, saved: Vec<SavedLine>) {
        let mut groups = self.lock();
        for SavedLine { group, stream, at, text } in saved {
            groups.entry(group).or_default().push(Line { stream, at: at.into(), text });
        }
        for (name, group) in &*groups {
            group.lines.iter().for_each(|line| journal.write_as("log", &line.saved(name)));
        }
        let _once = self.journal.set(journal.clone());
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

    /// How many lines were ever written to a group: the number of the next one.
    pub(crate) fn written(&self, group: &str) -> u64 {
        let groups = self.lock();
        groups.get(group).map_or(0, |group| group.dropped + u64::try_from(group.lines.len()).unwrap_or(u64::MAX))
    }

    /// A stream's lines since the group's line of this number.
    pub(crate) fn since(&self, group: &str, stream: &str, number: u64) -> Vec<String> {
        let groups = self.lock();
        let Some(group) = groups.get(group) else { return Vec::new() };
        let skipped = usize::try_from(number.saturating_sub(group.dropped)).unwrap_or(usize::MAX);
        let lines = group.lines.iter().skip(skipped).filter(|line| line.stream == stream);
        lines.map(|line| line.text.clone()).collect()
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
                let list = streams.iter().map(|stream| {
                    let arn = self.account.arn("logs", &format!("log-group:{name}:log-stream:{stream}"));
                    let mut lines = group.lines.iter().filter(|line| line.stream == *stream);
                    let first = lines.next().map(|line| line.at);
                    let last = lines.next_back().map(|line| line.at).or(first);
                    let [first, last] = [first, last].map(|at| at.and_then(|at| u64::try_from(at).ok()));
                    json!({ "logStreamName": stream, "arn": arn, "firstEventTimestamp": first, "lastEventTimestamp": last })
                });
                let list: Vec<_> = list.collect();
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

/// How many lines an answer has at most.
const ANSWERED: u64 = 10_000;

/// Lines of a time, those that the pattern wants.
fn filter(group: &Group, request: &Value) -> Result<Value, ApiError> {
    let pattern = request.get("filterPattern").and_then(Value::as_str).unwrap_or_default();
    let pattern = FilterPattern::parse(pattern).map_err(|why| ApiError::caller("InvalidParameterException", why))?;
    let number = |name: &str| request.get(name).and_then(Value::as_u64);
    let start = u128::from(number("startTime").unwrap_or(0));
    let end = number("endTime").map_or(u128::MAX, u128::from);
    let streams = request.get("logStreamNames").and_then(Value::as_array);
    let of_streams = |line: &Line| streams.is_none_or(|streams| streams.iter().any(|stream| line.stream == *stream));
    let in_time = |line: &Line| (start..=end).contains(&line.at);
    let says = |line: &Line| pattern.fits(&line.text);
    let token = request.get("nextToken").and_then(Value::as_str).map(str::parse::<usize>).transpose();
    let skipped = token
        .map_err(|_| ApiError::caller("InvalidParameterException", "nextToken is none of those that were given out"))?;
    let limit = usize::try_from(number("limit").unwrap_or(ANSWERED).clamp(1, ANSWERED)).unwrap_or(usize::MAX);
    let numbered = group.lines.iter().enumerate();
    let mut numbered =
        numbered.filter(|(_, line)| in_time(line) && of_streams(line) && says(line)).skip(skipped.unwrap_or(0));
    let events: Vec<_> = numbered
        .by_ref()
        .take(limit)
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
    let mut answer = json!({ "events": events, "searchedLogStreams": [] });
    if let (Some(_), Some(entries)) = (numbered.next(), answer.as_object_mut()) {
        entries.insert("nextToken".to_owned(), json!((skipped.unwrap_or(0) + limit).to_string()));
    }
    Ok(answer)
}

fn event(line: &Line) -> Value {
    let at = u64::try_from(line.at).unwrap_or(u64::MAX);
    json!({ "timestamp": at, "ingestionTime": at, "message": line.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        let account = Account { id: "1".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://aws".to_owned() };
        let logs = Logs::new(account, Metrics::new(crate::clock::Clock::default()));
        for (stream, line) in [("a", "one event finished"), ("b", "two events"), ("a", "three event finished")] {
            logs.append("g", stream, line);
        }
        logs
    }

    fn filtered(request: &Value) -> (Vec<String>, Option<String>) {
        let answer = logs().run("FilterLogEvents", request).unwrap();
        let events = answer["events"].as_array().unwrap();
        let lines = events.iter().map(|event| event["message"].as_str().unwrap().to_owned());
        (lines.collect(), answer.get("nextToken").map(|token| token.as_str().unwrap().to_owned()))
    }

    #[test]
    fn lines_are_found_by_words_phrases_streams_and_time() {
        let found = |request: Value| filtered(&request).0;
        assert_eq!(found(json!({ "logGroupName": "g", "filterPattern": "events" })), ["two events"]);
        assert_eq!(
            found(json!({ "logGroupName": "g", "filterPattern": "finished \"one event\"" })),
            ["one event finished"]
        );
        assert_eq!(found(json!({ "logGroupName": "g", "logStreamNames": ["b"] })), ["two events"]);
        assert_eq!(found(json!({ "logGroupName": "g", "endTime": 1 })), [""; 0]);
        assert_eq!(found(json!({ "logGroupName": "g", "filterPattern": "{ $.level = ERROR }" })), [""; 0]);
        let columns = json!({ "logGroupName": "g", "filterPattern": "[level, text]" });
        assert_eq!(logs().run("FilterLogEvents", &columns).unwrap_err().code, "InvalidParameterException");
    }

    #[test]
    fn what_does_not_fit_an_answer_is_on_the_next_page() {
        let (lines, token) = filtered(&json!({ "logGroupName": "g", "limit": 2 }));
        assert_eq!((lines.len(), token.as_deref()), (2, Some("2")));
        let (lines, token) = filtered(&json!({ "logGroupName": "g", "limit": 2, "nextToken": "2" }));
        assert_eq!((lines, token), (vec!["three event finished".to_owned()], None));
    }

    #[test]
    fn what_a_stream_said_since_a_moment() {
        let logs = logs();
        let from = logs.written("g");
        logs.append("g", "a", "four");
        logs.append("g", "b", "five");
        assert_eq!(logs.since("g", "a", from), ["four"]);
        assert_eq!(logs.since("g", "a", 0).len(), 3);
        assert!(logs.since("nowhere", "a", 0).is_empty());
    }
}
