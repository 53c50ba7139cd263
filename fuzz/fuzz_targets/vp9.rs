//! See `lectern_fuzz::vp9`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::vp9(data));
