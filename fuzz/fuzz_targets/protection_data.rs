//! See `lectern_fuzz::protection_data`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::protection_data(data));
