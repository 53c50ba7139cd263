//! See `parsers::encryption`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::encryption(data));
