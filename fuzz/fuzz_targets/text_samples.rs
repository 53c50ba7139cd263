//! See `lectern_fuzz::text_samples`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::text_samples(data));
