//! See `parsers::parts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::parts(data));
