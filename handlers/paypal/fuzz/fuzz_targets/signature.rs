#![no_main]

#[path = "../src/signature.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _outcome = target::run(data);
});
