//! Until when a call may take.

use std::time::{Duration, Instant};

/// The moment when all work must be over, whatever is still being waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        // A century stands for "never", where the clock cannot count so far.
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(3_000_000_000)))
    }

    /// How long there is left; nothing when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
