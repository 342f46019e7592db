//! How many requests an API takes: a bucket that fills at a steady rate.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// A token bucket.
#[derive(Debug)]
pub struct Throttle {
    /// Requests a second, in the long run.
    rate: f64,
    /// Requests at once.
    burst: f64,
    bucket: Mutex<Option<(Instant, f64)>>,
}

impl Throttle {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, bucket: Mutex::default() }
    }

    /// Whether a request may pass now.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = bucket.unwrap_or((now, self.burst));
        let filled = now.saturating_duration_since(since).as_secs_f64().mul_add(self.rate, left).min(self.burst);
        let admits = filled >= 1.0;
        *bucket = Some((now, if admits { filled - 1.0 } else { filled }));
        admits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (throttle, now) = (Throttle::new(2.0, 3.0), Instant::now());
        let passed = (0..5).filter(|_| throttle.admits(now)).count();
        assert_eq!(passed, 3);
        assert!(!throttle.admits(now + Duration::from_millis(400)));
        assert!(throttle.admits(now + Duration::from_millis(600)));
    }
}
