//! See `parsers::stored_segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::stored_segment(data));
