//! See `lectern_fuzz::stored_segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::stored_segment(data));
