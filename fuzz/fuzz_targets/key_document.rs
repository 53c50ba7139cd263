//! See `parsers::key_document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::key_document(data));
