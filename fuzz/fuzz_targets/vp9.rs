//! See `parsers::vp9`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::vp9(data));
