//! See `lectern_fuzz::passkey`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::passkey(data));
