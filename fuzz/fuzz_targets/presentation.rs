//! See `lectern_fuzz::presentation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::presentation(data));
