#![no_main]

#[path = "../src/event.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _outcome = target::run(data);
});
