//! Load: so many connections, each with one request after the other, for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::client::Place;
use xtask::report::Failure;

/// What became of a load.
pub(super) struct Load {
    /// Requests that were answered with 2xx, a second.
    pub(super) per_second: f64,
    /// How many that were.
    pub(super) requests: u64,
    /// How long they took, in nanoseconds.
    took: Histogram<u64>,
}

impl Load {
    /// How long so many of a hundred requests took at most, in milliseconds.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        Duration::from_nanos(self.took.value_at_percentile(percent)).as_secs_f64() * 1e3
    }
}

/// Sends the request over and over again.
///
/// # Errors
/// When a request is not answered with 2xx.
pub(super) fn run(place: &Place, request: &[u8], connections: usize, time: Duration) -> Result<Load, Failure> {
    let since = Instant::now();
    let until = since + time;
    let done = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(|| one(place, request, until))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| Failure::new("a load panicked"))?);
        joined.collect::<Result<Vec<_>, Failure>>()
    })?;
    let seconds = since.elapsed().as_secs_f64();
    let mut took = histogram()?;
    for one in done {
        took.add(one).map_err(Failure::new)?;
    }
    let requests = took.len();
    Ok(Load { per_second: count(requests) / seconds, requests, took })
}

fn one(place: &Place, request: &[u8], until: Instant) -> Result<Histogram<u64>, Failure> {
    let cannot = || format!("{} does not answer", place.address);
    let (mut connection, mut took) = (place.connect(), histogram()?);
    while Instant::now() < until {
        let since = Instant::now();
        let answer = connection.exchange(request).map_err(Failure::from(cannot()))?;
        let nanoseconds = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if !(200..300).contains(&answer.status) {
            return Err(Failure::new(format!("{} answers {}: {}", place.address, answer.status, answer.text())));
        }
        took.saturating_record(nanoseconds);
    }
    Ok(took)
}

/// From a microsecond to a minute, to three digits.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).map_err(Failure::new)
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts beyond 2^52 here")]
pub(super) fn count(number: u64) -> f64 {
    number as f64
}
