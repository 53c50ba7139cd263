//! See `lectern_fuzz::wrapped_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::wrapped_key(data));
