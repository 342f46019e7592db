//! Any event and any money in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use paypal::events::Event;

fuzz_target!(|data: &[u8]| {
    let Ok(event) = Event::parse(data) else { return };
    let _kind = event.kind();
    let _id = event.resource_id();
    if let Ok(sale) = event.sale() {
        let _completed = sale.is_completed();
        let _day = sale.date();
        let _shown = format!("{:?}", sale.amount);
    }
});
