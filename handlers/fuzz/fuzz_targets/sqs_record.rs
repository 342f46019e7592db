//! Any batch and any message in it: read, or not.
#![no_main]

use contract::event::{Envelope, Rejected};
use handlers::{batch::Batch, process};
use libfuzzer_sys::fuzz_target;
use paypal::events::Event;

fuzz_target!(|data: &[u8]| {
    if let Ok(batch) = serde_json::from_slice::<Batch>(data) {
        for record in batch.records {
            let _tries = record.tries();
        }
    }
    let _read = serde_json::from_slice::<Rejected>(data);
    let Ok(envelope) = serde_json::from_slice::<Envelope>(data) else { return };
    if let Ok(event) = Event::parse(&envelope.body) {
        let group = process::group(&event);
        assert!((1..=128).contains(&group.len()), "{group:?} is no message group");
        assert_eq!(process::deduplication(&event, &envelope.body, "").len(), 36);
    }
});
