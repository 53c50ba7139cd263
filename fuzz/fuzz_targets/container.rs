//! See `parsers::container`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::container(data));
