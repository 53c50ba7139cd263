//! See `parsers::protection_data`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::protection_data(data));
