//! See `lectern_fuzz::scim`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::scim(data));
