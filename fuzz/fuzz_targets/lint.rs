//! See `lectern_fuzz::lint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::lint(data));
