//! See `parsers::text_samples`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::text_samples(data));
