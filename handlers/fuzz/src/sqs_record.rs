//! Any batch of SQS messages and any message in it: read or refused; whatever is an event gets a valid message group.

use contract::event::{Envelope, Queued, Rejected};
use handlers::{batch::Batch, process};
use paypal::events::Event;

/// Runs the target on one input and returns what came of it.
///
/// # Panics
/// The message group or the deduplication id is not one that SQS accepts.
pub(super) fn run(data: &[u8]) -> String {
    if let Ok(batch) = serde_json::from_slice::<Batch>(data) {
        let tries = batch.records.iter().map(|record| format!("{} tries", record.tries()));
        return format!("batch: {}", tries.collect::<Vec<_>>().join(", "));
    }
    if let Ok(rejected) = serde_json::from_slice::<Rejected>(data) {
        return format!("rejected: {}", rejected.reason);
    }
    let queued = match serde_json::from_slice::<Queued>(data) {
        Ok(queued) => queued,
        Err(error) => return format!("refused: {error}"),
    };
    let Envelope { body, .. } = queued.envelope;
    match Event::parse(&body) {
        Ok(event) => {
            let group = process::group(&event);
            assert!((1..=128).contains(&group.len()), "{group:?} is not a message group");
            assert_eq!(process::deduplication(&event, &body, "").len(), 36);
            let tries = queued.attempts.map_or(0, |attempts| attempts.count);
            format!("event of group {group} after {tries} tries")
        }
        Err(error) => format!("delivery without an event: {error}"),
    }
}
