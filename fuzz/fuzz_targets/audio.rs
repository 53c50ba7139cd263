//! See `parsers::audio`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::audio(data));
