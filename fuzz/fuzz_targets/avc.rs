//! See `parsers::avc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::avc(data));
