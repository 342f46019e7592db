//! When a call is repeated, and how long to wait before.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::{Deadline, Error};

/// How often a call that may be repeated is made at most.
pub(crate) const ATTEMPTS: u32 = 3;

/// How long to wait before repeating a call that failed for the `attempt`th time; nothing when it is not to be repeated:
/// because it cannot help, or because the wait would pass the deadline.
///
/// Full jitter, so that many that failed together do not come back together; what PayPal asks for in `Retry-After` is the
/// least.
pub(crate) fn wait(error: &Error, attempt: u32, first_wait: Duration, deadline: Deadline) -> Option<Duration> {
    let transient = match error {
        Error::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
        Error::NoAnswer { .. } | Error::Unreadable { .. } => true,
        Error::NoTime { .. } | Error::Credentials { .. } | Error::Setup(_) => false,
    };
    if !transient || attempt >= ATTEMPTS {
        return None;
    }
    let longest = first_wait * 2_u32.saturating_pow(attempt - 1);
    let jitter = longest.mul_f64(fastrand::f64());
    let wait = jitter.max(error.retry_after().unwrap_or_default());
    (wait < deadline.remaining()).then_some(wait)
}

/// What `Retry-After` says: seconds, or a date.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
pub(crate) fn wanted_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let seconds = date.as_second().saturating_sub(Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_WAIT: Duration = Duration::from_millis(200);

    fn refused(status: u16, seconds: Option<u64>) -> Error {
        let retry_after = seconds.map(Duration::from_secs);
        Error::Refused { operation: "x", status, name: String::new(), details: vec![], debug_id: None, retry_after }
    }

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn only_what_can_help_is_repeated_and_never_past_the_deadline() {
        let soon = Deadline::after(Duration::from_secs(5));
        assert!(wait(&refused(503, None), 1, FIRST_WAIT, soon).is_some());
        assert!(wait(&refused(503, None), ATTEMPTS, FIRST_WAIT, soon).is_none());
        assert!(wait(&refused(422, None), 1, FIRST_WAIT, soon).is_none());
        assert!(wait(&refused(429, Some(86_400)), 1, FIRST_WAIT, soon).is_none());
        assert!(wait(&refused(429, Some(2)), 1, FIRST_WAIT, soon).is_some_and(|wait| wait >= Duration::from_secs(2)));
        assert!(wait(&refused(503, None), 1, FIRST_WAIT, Deadline::after(Duration::ZERO)).is_none());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wanted_wait(&headers("7")), Some(Duration::from_secs(7)));
        assert_eq!(wanted_wait(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert!(wanted_wait(&headers("Fri, 21 Oct 2095 07:28:00 GMT")).is_some_and(|wait| wait.as_secs() > 1_000_000));
        assert_eq!(wanted_wait(&headers("soon")), None);
    }
}
