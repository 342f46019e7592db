//! `invoke`: one function, with an event from a file; its answer, and what it wrote to its log.

use std::{
    io::{IsTerminal, Read, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use aws_sdk_lambda::{
    config::{Config, retry::RetryConfig},
    operation::invoke::InvokeOutput,
    primitives::Blob,
    types::LogType,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use contract::log_line::LogLine;
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    Failure, Format, calls,
    failure::failure,
    resources::{FUNCTION, Resources},
    target::Target,
    text::{print, print_json, printable},
};

/// What Lambda takes at once, in bytes.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// Which function, and with what.
#[derive(Args)]
pub(crate) struct Invoke {
    /// The function, such as plans-list
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// The event, as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Invoked {
    /// The function, without the stack's name.
    function: String,
    /// Whether the function failed.
    failed: bool,
    /// Its answer; where it failed, `errorType` and `errorMessage`.
    answer: Json,
    /// The last lines that it wrote to its log, 4 KB at most.
    log: Vec<String>,
    /// How long the whole call took, in milliseconds.
    took_ms: u128,
}

/// The longest invocation that Lambda allows, with time for the answer.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
const LONGEST: Duration = Duration::from_secs(15 * 60 + 10);

pub(crate) async fn run(target: &Target, format: Format, options: &Invoke) -> Result<ExitCode, Failure> {
    let event = event(&options.event)?;
    let resources = Resources::read(target).await?;
    let function = resources.find(FUNCTION, "function", &options.function)?;
    let name = resources.short(&function.physical).to_owned();
    let since = Instant::now();
    let request = target.aws.lambda().invoke().function_name(&function.physical).payload(Blob::new(event));
    // A second try could do the work twice.
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let once = once.timeout_config(calls::answered_within(LONGEST));
    let answer = request.log_type(LogType::Tail).customize().config_override(once).send().await;
    let answer = answer.map_err(|error| failure(&error, &format!("cannot invoke {name}")))?;
    let invoked = read(name, &answer, since);
    match format {
        Format::Json => print_json(&invoked)?,
        Format::Text => {
            eprint!("{}", log_text(&invoked));
            print(&(pretty(&invoked.answer) + "\n"))?;
        }
    }
    if !invoked.failed {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(
        format!("{} failed: {}", invoked.function, why(&invoked.answer)),
        format!("`cargo xtask logs --env {} {}` shows its whole log", target.env, invoked.function),
    ))
}

/// Reads the event, and makes sure that it is JSON before anything is called.
fn event(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = printable(&file.display().to_string());
    let read = if file == Path::new("-") {
        if stdin().is_terminal() {
            note!("the event, as JSON, ended by Ctrl-D:");
        }
        let mut text = Vec::new();
        stdin().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(file)
    };
    let text =
        read.map_err(|error| Failure::new(format!("cannot read {name}: {error}"), "name a file with --event"))?;
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&text) {
        let place = format!("{name}:{}:{}", error.line(), error.column());
        return Err(Failure::new(format!("{place}: not JSON"), "Lambda's events are JSON"));
    }
    if text.len() > LARGEST_EVENT {
        let message = format!("{name} has {} bytes, and Lambda takes {LARGEST_EVENT}", text.len());
        return Err(Failure::new(message, "invoke it with a smaller event"));
    }
    Ok(text)
}

fn read(function: String, answer: &InvokeOutput, since: Instant) -> Invoked {
    let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
    // What is no JSON is shown as text; Lambda's own runtimes answer only JSON.
    let text = || Json::String(String::from_utf8_lossy(payload).into_owned());
    let log = answer.log_result().and_then(|encoded| STANDARD.decode(encoded).ok()).unwrap_or_default();
    Invoked {
        function,
        failed: answer.function_error().is_some(),
        answer: serde_json::from_slice(payload).unwrap_or_else(|_| text()),
        log: String::from_utf8_lossy(&log).lines().map(str::to_owned).collect(),
        took_ms: since.elapsed().as_millis(),
    }
}

fn log_text(invoked: &Invoked) -> String {
    let lines = invoked.log.iter().map(|line| format!("  {}\n", printable(&LogLine::read(line).to_string())));
    format!("{}{} answered in {} ms\n", lines.collect::<String>(), invoked.function, invoked.took_ms)
}

/// JSON for people; its texts cannot hold control characters, because JSON escapes them, all but the C1 ones.
fn pretty(answer: &Json) -> String {
    let text = serde_json::to_string_pretty(answer).unwrap_or_default();
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// What the function or Lambda says went wrong.
fn why(answer: &Json) -> String {
    let part = |name: &str| answer.get(name).and_then(Json::as_str);
    match (part("errorType"), part("errorMessage")) {
        (Some(kind), Some(message)) => printable(&format!("{kind}: {}", message.trim_end())),
        _ => "it answered with an error".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_the_functions_own_word() {
        let answer = serde_json::json!({ "errorType": "Sandbox.Timedout", "errorMessage": "after 3 s\u{1b}" });
        assert_eq!(why(&answer), "Sandbox.Timedout: after 3 s\\u{1b}");
        assert_eq!(why(&Json::Null), "it answered with an error");
        assert_eq!(pretty(&serde_json::json!({ "a": "\u{9b}31m" })), "{\n  \"a\": \"\\u{9b}31m\"\n}");
    }
}
