//! See `lectern_fuzz::av1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::av1(data));
