//! See `parsers::key_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::key_file(data));
