//! See `parsers::wrapped_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::wrapped_key(data));
