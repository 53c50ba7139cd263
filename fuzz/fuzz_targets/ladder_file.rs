//! See `parsers::ladder_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::ladder_file(data));
