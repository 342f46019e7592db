//! `logs`: what all functions say, in the order of time.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;
use contract::log_line::LogLine;
use futures_util::future::try_join_all;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Failure, Format,
    aws::{Aws, call::LOGS},
    colour::{Colour, Paint},
    failure::{failure, says},
    heartbeat,
    resources::{FUNCTION, Resources},
    target::Target,
    text::{print, print_json_line, printable},
};

/// How late a line may reach CloudWatch and still be shown by `--follow`, in milliseconds.
const LATE_MS: i64 = 30_000;

/// Whose logs, and which lines.
#[derive(Args)]
pub(crate) struct Logs {
    /// One function, such as webhook-verify; all of them without it
    #[arg(value_name = "FUNCTION")]
    function: Option<String>,
    /// Go on with what comes
    #[arg(long, short)]
    follow: bool,
    /// Only lines that fit this pattern of CloudWatch's
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// From when on: 30s, 10m, 2h, 1d, or a time as 2026-11-01T12:00:00Z
    #[arg(long, value_name = "TIME", default_value = "10m")]
    since: String,
}

/// A log group, and what was shown of it.
struct Group {
    /// The function, without the stack's name.
    function: String,
    name: String,
    /// When each line that was shown was written, by its id; only of the last while.
    shown: BTreeMap<String, i64>,
    /// Whether it was said that there is no log.
    told: bool,
}

/// A line of a log. This is what `--format json` prints, a line each; fields are added, never changed or removed.
#[derive(Debug, Serialize)]
struct Line {
    /// When it was written, RFC 3339.
    time: String,
    /// The function, without the stack's name.
    function: String,
    /// The log stream: one for each execution environment.
    stream: String,
    /// The line, as the function wrote it.
    message: String,
    #[serde(skip)]
    at: i64,
    #[serde(skip)]
    id: String,
}

pub(crate) async fn run(target: &Target, format: Format, options: &Logs) -> Result<ExitCode, Failure> {
    let mut start = since(&options.since, Timestamp::now())?.as_millisecond();
    let mut groups = groups(target, options.function.as_deref()).await?;
    let width = groups.iter().map(|group| group.function.len()).max().unwrap_or_default();
    let names: Vec<_> = groups.iter().map(|group| group.function.clone()).collect();
    let colour = |function: &str| Colour::Of(names.iter().position(|name| name == function).unwrap_or_default());
    let paint = Paint::new();
    loop {
        let mut lines = read(&target.aws, &mut groups, start, options.filter.as_deref()).await?;
        lines.sort_by(|one, other| (one.at, &one.function, &one.id).cmp(&(other.at, &other.function, &other.id)));
        for line in &lines {
            match format {
                Format::Json => print_json_line(line)?,
                Format::Text => print(&text(line, width, colour(&line.function), paint))?,
            }
        }
        if !options.follow {
            return Ok(ExitCode::SUCCESS);
        }
        let newest = lines.iter().map(|line| line.at).max().unwrap_or_default();
        start = start.max(newest.saturating_sub(LATE_MS));
        groups.iter_mut().for_each(|group| group.shown.retain(|_, at| *at >= start));
        // A quiet log is shown as it is.
        heartbeat::printed();
        tokio::time::sleep(target.aws.pace.follow()).await;
    }
}

/// When `--since` says to begin.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong =
        || Failure::new(format!("--since {text:?} is no time"), "write 30s, 10m, 2h, 1d, or 2026-11-01T12:00:00Z");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    now.checked_sub(ago.abs()).map_err(|_| wrong())
}

/// The log groups of the functions: Lambda says where each writes.
async fn groups(target: &Target, only: Option<&str>) -> Result<Vec<Group>, Failure> {
    let resources = Resources::read(target).await?;
    let functions: Vec<_> = match only {
        Some(name) => vec![resources.find(FUNCTION, "function", name)?],
        None => resources.of(FUNCTION).collect(),
    };
    if functions.is_empty() {
        return Err(Failure::new(format!("{} has no functions", target.stack), "only functions' logs are shown"));
    }
    let client = target.aws.lambda();
    let resources = &resources;
    let asked = functions.into_iter().map(|function| {
        let asked = client.get_function_configuration().function_name(&function.physical).send();
        async move {
            let name = resources.short(&function.physical).to_owned();
            let answer = asked.await.map_err(|error| failure(&error, &format!("cannot tell where {name} logs")))?;
            let group = answer.logging_config().and_then(|config| config.log_group()).map(str::to_owned);
            // Where nothing else was chosen, Lambda writes there.
            let group = group.unwrap_or_else(|| format!("/aws/lambda/{}", function.physical));
            Ok::<_, Failure>(Group { function: name, name: group, shown: BTreeMap::new(), told: false })
        }
    });
    try_join_all(asked).await
}

/// What was written since `start`, in milliseconds since the epoch, and was not shown yet.
async fn read(aws: &Aws, groups: &mut [Group], start: i64, filter: Option<&str>) -> Result<Vec<Line>, Failure> {
    let reads = groups.iter_mut().map(|group| async move {
        let (mut lines, mut token) = (Vec::new(), None);
        loop {
            let request = FilterLogEvents {
                log_group_name: &group.name,
                start_time: start,
                filter_pattern: filter,
                next_token: token.as_deref(),
            };
            let page: Events = match aws.call(&LOGS, "FilterLogEvents", &request).await {
                Err(error) if says(&error, "ResourceNotFoundException") => {
                    if !std::mem::replace(&mut group.told, true) {
                        note!("{} has no log yet", group.function);
                    }
                    break;
                }
                page => page.map_err(|error| failure(&error, &format!("cannot read the log of {}", group.function)))?,
            };
            let new = page.events.unwrap_or_default().into_iter().filter_map(|event| line(event, &group.function));
            lines.extend(new.filter(|line| group.shown.insert(line.id.clone(), line.at).is_none()));
            // A token that comes back unchanged would be asked for without end.
            let next = page.next_token.filter(|next| !next.is_empty() && Some(next) != token.as_ref());
            if next.is_none() {
                break;
            }
            token = next;
        }
        Ok::<_, Failure>(lines)
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterLogEvents<'a> {
    log_group_name: &'a str,
    /// Milliseconds since the epoch.
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_pattern: Option<&'a str>,
    /// `nextToken` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

/// A page of events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    events: Option<Vec<FilteredLogEvent>>,
    next_token: Option<String>,
}

/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilteredLogEvent {
    event_id: Option<String>,
    log_stream_name: Option<String>,
    message: Option<String>,
    /// Milliseconds since the epoch.
    timestamp: Option<i64>,
}

fn line(event: FilteredLogEvent, function: &str) -> Option<Line> {
    let at = event.timestamp?;
    let time = Timestamp::from_millisecond(at).ok()?;
    Some(Line {
        time: format!("{time:.3}"),
        function: function.to_owned(),
        stream: event.log_stream_name.unwrap_or_default(),
        message: event.message.unwrap_or_default().trim_end_matches('\n').to_owned(),
        at,
        id: event.event_id.unwrap_or_default(),
    })
}

fn text(line: &Line, width: usize, colour: Colour, paint: Paint) -> String {
    let said = LogLine::read(&line.message);
    let words = printable(&said.to_string());
    let words = match said.level.as_deref() {
        Some("ERROR") => paint.paint(Colour::Red, &words),
        Some("WARN") => paint.paint(Colour::Yellow, &words),
        // What Lambda itself writes around each invocation.
        None if ["START ", "END ", "REPORT ", "INIT_START "].iter().any(|word| words.starts_with(word)) => {
            paint.paint(Colour::Dim, &words)
        }
        _ => words,
    };
    let function = paint.paint(colour, &format!("{:<width$}", printable(&line.function)));
    format!("{}  {function}  {words}\n", line.time.replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_a_time_or_so_long_ago() {
        let now: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("10m", "2026-11-02T11:50:00Z"),
            ("1d", "2026-11-01T12:00:00Z"),
            ("1h 30m", "2026-11-02T10:30:00Z"),
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), wanted, "{text}");
        }
        for text in ["", "yesterday", "10", "1mo", "99999999999999d"] {
            assert!(since(text, now).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_line_is_time_function_and_words() {
        let line = Line {
            time: "2026-11-01T12:00:00.120Z".to_owned(),
            function: "orders".to_owned(),
            stream: "s".to_owned(),
            message: r#"{"level":"ERROR","message":"gone\u001b[2J","event_id":"WH-1"}"#.to_owned(),
            at: 0,
            id: "1".to_owned(),
        };
        let text = text(&line, 8, Colour::Of(0), Paint::none());
        assert_eq!(text, "2026-11-01 12:00:00.120Z  orders    ERROR gone\\u{1b}[2J, event_id=WH-1\n");
    }
}
