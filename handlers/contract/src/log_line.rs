//! A line of a function's log, as people read it.

use serde_json::Value as Json;

/// What each line has, and a reader sees elsewhere or does not need.
const LEFT_OUT: [&str; 4] = ["timestamp", "level", "message", "spans"];

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `ERROR`, `WARN`, `INFO`, ..., where the line has one.
    pub level: Option<String>,
    /// The message, then what it is about: `event finished, event_id=WH-1 outcome=invoiced`.
    pub text: String,
}

impl LogLine {
    /// Reads a line of JSON; any other line is its own text. Control characters stay as they are.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let as_it_is = || Self { level: None, text: line.trim_end().to_owned() };
        let Ok(Json::Object(fields)) = serde_json::from_str::<Json>(line) else { return as_it_is() };
        let Some(message) = fields.get("message") else { return as_it_is() };
        let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let about = fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let about: String = about.map(|(name, value)| format!(" {name}={}", plain(value))).collect();
        let comma = if about.is_empty() { "" } else { "," };
        let level = fields.get("level").and_then(Json::as_str).map(str::to_owned);
        Self { level, text: format!("{}{comma}{about}", plain(message)) }
    }
}

impl std::fmt::Display for LogLine {
    /// With the level before it, unless it is `INFO`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.level.as_deref() {
            Some(level) if level != "INFO" => write!(out, "{level} {}", self.text),
            _ => out.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_message_and_what_it_is_about() {
        let line = r#"{"timestamp":"t","level":"WARN","message":"no","event_id":"WH-1","tries":2,"spans":[]}"#;
        assert_eq!(LogLine::read(line).to_string(), "WARN no, event_id=WH-1 tries=2");
        assert_eq!(LogLine::read(r#"{"level":"INFO","message":"done"}"#).to_string(), "done");
    }

    #[test]
    fn other_lines_are_as_they_are() {
        for line in ["REPORT RequestId: 1\tDuration: 2 ms", r#"{"type":"platform.start"}"#, "[1]", ""] {
            assert_eq!(LogLine::read(line), LogLine { level: None, text: line.to_owned() });
        }
    }
}
