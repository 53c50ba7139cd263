//! See `lectern_fuzz::key_document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::key_document(data));
