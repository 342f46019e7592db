//! When a call is repeated, and how long to wait before.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::{Deadline, Error};

/// How often a call that may be repeated is made at most.
pub(crate) const ATTEMPTS: u32 = 3;

/// The wait after a 429 without `Retry-After`.
///
/// Source: <https://developer.paypal.com/api/rest/rate-limiting/>
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that an answer can ask for. A header that asks for a day is a mistake.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The longest wait within a call. Whoever has to wait longer gives the work back to its queue, or to the caller.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Wait before repeating a call that failed for the `attempt`th time. `None` when it is not to be repeated:
/// because it cannot help, or because the wait would be too long.
///
/// Full jitter, so that many that failed together do not come back together; what PayPal asks for is the least.
pub(crate) fn wait(error: &Error, attempt: u32, first_wait: Duration, deadline: Deadline) -> Option<Duration> {
    if !is_transient(error) || attempt >= ATTEMPTS {
        return None;
    }
    let longest = first_wait * 2_u32.saturating_pow(attempt - 1);
    let jitter = longest.mul_f64(fastrand::f64());
    let wait = least_wait(error).map_or(jitter, |least| jitter.max(least));
    (wait <= LONGEST_SLEEP && wait < deadline.remaining()).then_some(wait)
}

fn is_transient(error: &Error) -> bool {
    match error {
        Error::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
        Error::NoAnswer { .. } | Error::Unreadable { .. } => true,
        Error::NoToken(error) => is_transient(error),
        Error::NoTime { .. } | Error::Credentials { .. } | Error::Setup(_) => false,
    }
}

/// Time without calls that PayPal asks for with this error, if it does: `Retry-After`, and after a 429 without it
/// what PayPal's documentation says.
pub(crate) fn least_wait(error: &Error) -> Option<Duration> {
    let asked = error.retry_after().map(|wait| wait.min(LONGEST_WAIT));
    match error.is_rate_limited() {
        true => Some(asked.unwrap_or(RATE_LIMIT_WAIT)),
        false => asked,
    }
}

/// Until when PayPal wants no more calls, for all that share a client.
#[derive(Default)]
pub(crate) struct RateLimit(Mutex<Option<Instant>>);

impl RateLimit {
    /// Takes note of an error: after a 429, no call is made until its wait is over.
    pub(crate) fn note(&self, error: &Error) {
        let Some(wait) = least_wait(error).filter(|_| error.is_rate_limited()) else { return };
        let until = Instant::now() + wait;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |known| known.max(until)));
    }

    /// Time until calls may be made; `None` when calls may be made now.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.map(|until| until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }
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
    fn rate_limit_without_retry_after_waits_for_thirty_seconds_and_not_within_the_call() {
        let late = Deadline::after(Duration::from_secs(900));
        assert_eq!(wait(&refused(429, None), 1, FIRST_WAIT, late), None);
        assert_eq!(wait(&refused(429, Some(60)), 1, FIRST_WAIT, late), None);
        assert_eq!(least_wait(&refused(429, None)), Some(Duration::from_secs(30)));
        assert_eq!(least_wait(&refused(429, Some(60))), Some(Duration::from_secs(60)));
        assert_eq!(least_wait(&refused(429, Some(86_400))), Some(LONGEST_WAIT));
        assert_eq!(least_wait(&refused(503, None)), None);
        let limit = RateLimit::default();
        limit.note(&refused(503, Some(60)));
        assert_eq!(limit.remaining(), None);
        limit.note(&Error::NoToken(Box::new(refused(429, Some(60)))));
        limit.note(&refused(429, Some(1)));
        assert!(limit.remaining().is_some_and(|wait| wait > Duration::from_secs(50)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wanted_wait(&headers("7")), Some(Duration::from_secs(7)));
        assert_eq!(wanted_wait(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert!(wanted_wait(&headers("Fri, 21 Oct 2095 07:28:00 GMT")).is_some_and(|wait| wait.as_secs() > 1_000_000));
        assert_eq!(wanted_wait(&headers("soon")), None);
    }
}
