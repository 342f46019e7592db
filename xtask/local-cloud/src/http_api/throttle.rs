//! How many requests an API takes: a bucket that fills at a steady rate.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::sync::{Mutex, PoisonError};

use crate::clock::{Clock, Moment};

/// A token bucket.
#[derive(Debug)]
pub struct Throttle {
    /// Requests a second, in the long run.
    rate: f64,
    /// Requests at once.
    burst: f64,
    clock: Clock,
    bucket: Mutex<Option<(Moment, f64)>>,
}

impl Throttle {
    /// A full bucket, which fills by this clock.
    #[must_use]
    pub fn new(rate: f64, burst: f64, clock: Clock) -> Self {
        Self { rate, burst, clock, bucket: Mutex::default() }
    }

    /// Whether a request may pass now.
    pub(super) fn admits(&self) -> bool {
        let now = self.clock.now();
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = bucket.unwrap_or((now, self.burst));
        let filled = now.saturating_sub(since).as_secs_f64().mul_add(self.rate, left).min(self.burst);
        let admits = filled >= 1.0;
        *bucket = Some((now, if admits { filled - 1.0 } else { filled }));
        admits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate() {
        let clock = Clock::default();
        let throttle = Throttle::new(2.0, 3.0, clock.clone());
        let passed = (0..5).filter(|_| throttle.admits()).count();
        assert_eq!(passed, 3);
        clock.advance(Duration::from_millis(400)).unwrap();
        assert!(!throttle.admits());
        clock.advance(Duration::from_millis(200)).unwrap();
        assert!(throttle.admits());
    }
}
