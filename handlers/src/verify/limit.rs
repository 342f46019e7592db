//! A limit on how often something is done: a token bucket.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Admits so many a second, and as many at once.
pub(super) struct Limit {
    per_second: f64,
    bucket: Mutex<(Instant, f64)>,
}

impl Limit {
    pub(super) fn per_second(per_second: f64) -> Self {
        Self { per_second, bucket: Mutex::new((Instant::now(), per_second)) }
    }

    /// Returns true if one more is allowed now.
    pub(super) fn admits(&self) -> bool {
        self.admits_at(Instant::now())
    }

    fn admits_at(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = *bucket;
        let filled = now.saturating_duration_since(since).as_secs_f64().mul_add(self.per_second, left);
        let filled = filled.min(self.per_second);
        let admits = filled >= 1.0;
        *bucket = (now, if admits { filled - 1.0 } else { filled });
        admits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn limit_admits_a_burst_and_then_the_rate() {
        let limit = Limit::per_second(10.0);
        let start = Instant::now();
        let admitted = |from: u32, to: u32| {
            (from..to).filter(|at| limit.admits_at(start + Duration::from_millis(1) * *at)).count()
        };
        assert_eq!(admitted(0, 50), 10);
        // 950 ms more make nine.
        assert_eq!(admitted(50, 1000), 9);
    }
}
