//! The cloud's clock: the machine's, and ahead of it by what was skipped.
//!
//! Everything that the cloud times itself reads it: visibility, delays, retention, deduplication, batching windows, retries,
//! event ages, throttles, alarm periods. What a process does is not the cloud's: a function starts, runs and is late by the
//! machine's clock, and so is the deadline that it is told.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

/// So much may be skipped altogether: ten years.
const FURTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// A moment: the time since 1970.
pub type Moment = Duration;

/// A clock that can be put forward and never goes back. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// When the clock was made, by the machine's two clocks.
    since: Instant,
    since_epoch: Moment,
    ahead: watch::Sender<Duration>,
}

/// More was to be skipped than a clock can be ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a clock can be put forward by ten years altogether, and this one is {} s ahead", .0.as_secs())]
pub struct TooFar(Duration);

impl Default for Clock {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Inner { since: Instant::now(), since_epoch, ahead: watch::channel(Duration::ZERO).0 }))
    }
}

impl Clock {
    /// The moment that it shows.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.0.since_epoch + self.0.since.elapsed() + self.ahead()
    }

    /// How far it is ahead of the machine's.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        *self.0.ahead.borrow()
    }

    /// How far it is ahead, for other clocks that follow it.
    #[must_use]
    pub fn skips(&self) -> watch::Receiver<Duration> {
        self.0.ahead.subscribe()
    }

    /// The date and time, to the millisecond.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        let milliseconds = i64::try_from(self.now().as_millis()).ok();
        milliseconds.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default()
    }

    /// Waits until it shows this moment, whether that comes by itself or is skipped to.
    pub async fn sleep_until(&self, at: Moment) {
        let mut skips = self.0.ahead.subscribe();
        loop {
            let left = at.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // The sender is this clock's own, so it is there as long as this waits.
                _ = skips.changed() => {}
            }
        }
    }

    /// Waits so long.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now().saturating_add(time)).await;
    }

    /// Puts it forward. Whatever becomes due by that is due now; how far it is ahead afterwards.
    ///
    /// # Errors
    /// When it would be ahead by more than ten years.
    pub fn advance(&self, by: Duration) -> Result<Duration, TooFar> {
        let mut result = Err(TooFar(Duration::ZERO));
        self.0.ahead.send_if_modified(|ahead| {
            let then = ahead.checked_add(by).filter(|then| *then <= FURTHEST);
            result = then.ok_or(TooFar(*ahead));
            *ahead = then.unwrap_or(*ahead);
            then.is_some()
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken_by_a_skip_and_by_time() {
        let clock = Clock::default();
        let since = Instant::now();
        let until = clock.now() + Duration::from_secs(3600);
        let waits = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(clock.advance(Duration::from_secs(3599)), Ok(Duration::from_secs(3599)));
        waits.await.unwrap();
        assert_eq!(since.elapsed().as_secs(), 1);
        assert!(clock.now() >= until);
    }

    #[test]
    fn ten_years_are_the_end() {
        let clock = Clock::default();
        assert!(clock.advance(FURTHEST).is_ok());
        let error = clock.advance(Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().contains("316224000 s ahead"), "{error}");
    }
}
