//! See `lectern_fuzz::licence_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::licence_request(data));
