//! See `parsers::licence_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::licence_request(data));
