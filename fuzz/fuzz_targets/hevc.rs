//! See `parsers::hevc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::hevc(data));
