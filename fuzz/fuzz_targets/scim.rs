//! See `parsers::scim`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::scim(data));
