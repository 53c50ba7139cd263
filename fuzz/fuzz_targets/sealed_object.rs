//! See `lectern_fuzz::sealed_object`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lectern_fuzz::sealed_object(data));
