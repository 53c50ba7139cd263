//! See `lectern_fuzz::captions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::captions(data));
