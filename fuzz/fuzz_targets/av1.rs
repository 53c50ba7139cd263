//! See `parsers::av1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::av1(data));
