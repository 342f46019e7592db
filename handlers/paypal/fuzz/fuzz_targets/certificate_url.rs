#![no_main]

#[path = "../src/certificate_url.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _outcome = target::run(data);
});
