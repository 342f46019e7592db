//! The sandbox's time: the machine's, and ahead of it by what somebody skipped.
//!
//! Access tokens end by it, and webhooks are repeated by it. The dates in documents are the machine's.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A clock that follows another one's skips.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) watch::Receiver<Duration>);

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        Instant::now() + *self.0.borrow()
    }

    /// Waits so long, or until so much was skipped.
    pub(crate) async fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        let mut skips = self.0.clone();
        loop {
            let left = until.saturating_duration_since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                Ok(()) = skips.changed() => {}
            }
        }
    }
}
